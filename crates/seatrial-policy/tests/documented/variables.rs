//! Policy variables.

use seatrial_policy::Layer;

use crate::case::Outcome::{Allowed, Denied, NotAllowed};
use crate::case::{Case, Outcome, case, policy};

const PAGE: &str = "reference_policies_variables.html";
const VERSION: &str = "reference_policies_elements_version.html";
const NO: Outcome = NotAllowed(Layer::Identity);

/// The page's first example.
const OWN_FOLDER: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Action":["s3:ListBucket"],"Effect":"Allow","Resource":["arn:aws:s3:::mybucket"],
     "Condition":{"StringLike":{"s3:prefix":["${aws:username}/*"]}}},
    {"Action":["s3:GetObject","s3:PutObject"],"Effect":"Allow",
        "Resource":["arn:aws:s3:::mybucket/${aws:username}/*"]}]}"#;

pub fn cases() -> Vec<Case> {
    [names(), defaults_and_letters(), without_value()].into_iter().flatten().collect()
}

fn names() -> Vec<Case> {
    let own = |claim, key: &str| {
        let resource = format!("arn:aws:s3:::mybucket/{key}");
        case(PAGE, claim).identity(OWN_FOLDER).asks("s3:GetObject", &resource)
    };
    let list = |claim, prefix: &str| {
        let asked = case(PAGE, claim).identity(OWN_FOLDER).asks("s3:ListBucket", "arn:aws:s3:::mybucket");
        asked.with("s3:prefix", &[prefix])
    };
    let older = OWN_FOLDER.replace("2012-10-17", "2008-10-17");
    let none = OWN_FOLDER.replace(r#""Version":"2012-10-17","#, "");
    let tag = policy(
        r#"{"Effect":"Allow","Action":"s3:*",
            "Resource":"arn:aws:s3:::bucket/${aws:PrincipalTag/department}"}"#,
    );
    vec![
        own("a user's own folder", "alice/a"),
        own("another's folder", "bob/a").is(NO),
        list("variables in conditions", "alice/x"),
        list("variables in conditions: another's prefix", "bob/x").is(NO),
        case(VERSION, "in 2008-10-17 variables are literal texts")
            .identity(&older)
            .asks("s3:GetObject", "arn:aws:s3:::mybucket/alice/a")
            .is(NO),
        case(VERSION, "in 2008-10-17 the literal text itself matches")
            .identity(&older)
            .asks("s3:GetObject", "arn:aws:s3:::mybucket/${aws:username}/a"),
        case(VERSION, "without a version it is 2008-10-17")
            .identity(&none)
            .asks("s3:GetObject", "arn:aws:s3:::mybucket/alice/a")
            .is(NO),
        case(PAGE, "tags as variables")
            .identity(&tag)
            .asks("s3:GetObject", "arn:aws:s3:::bucket/hr")
            .with("aws:PrincipalTag/department", &["hr"]),
    ]
}

fn defaults_and_letters() -> Vec<Case> {
    let team = policy(
        r#"{"Effect":"Allow","Action":"s3:GetObject",
            "Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}"}"#,
    );
    let star =
        policy(r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/a${*}${?}${$}"}"#);
    let get = |claim, document: &str, resource: &str| {
        case(PAGE, claim).identity(document).asks("s3:GetObject", resource)
    };
    vec![
        get("a default where the tag is absent", &team, "arn:aws:s3:::b/company-wide"),
        get("no default where the tag is there", &team, "arn:aws:s3:::b/company-wide")
            .with("aws:PrincipalTag/team", &["yellow"])
            .is(NO),
        get("the tag's value where it is there", &team, "arn:aws:s3:::b/yellow")
            .with("aws:PrincipalTag/team", &["yellow"]),
        get("${*}, ${?} and ${$} are the letters", &star, "arn:aws:s3:::b/a*?$"),
        get("${*} is no wildcard", &star, "arn:aws:s3:::b/abc").is(NO),
    ]
}

/// "Policy variables with no value".
fn without_value() -> Vec<Case> {
    let tagged = policy(
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*",
        "Condition":{"StringNotEquals":{"s3:ExistingObjectTag/Team":"${aws:PrincipalTag/Team}"}}}"#,
    );
    let equal = policy(
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*",
        "Condition":{"StringEquals":{"s3:ExistingObjectTag/Team":"${aws:PrincipalTag/Team}"}}}"#,
    );
    let no_resource =
        policy(r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/Team}*"}"#);
    let ask = |claim, document: &str, outcome: Outcome| {
        let asked = case(PAGE, claim).identity(document).asks("s3:GetObject", "arn:aws:s3:::b/k");
        asked.with("s3:ExistingObjectTag/Team", &["yellow"]).is(outcome)
    };
    vec![
        ask("StringNotEquals is true against a variable without value", &tagged, Denied(Layer::Identity)),
        ask("StringNotEquals is false of equal tags", &tagged, Allowed)
            .with("aws:PrincipalTag/Team", &["yellow"]),
        ask("StringEquals is false against a variable without value", &equal, NO),
        ask("a resource with a variable without value matches nothing", &no_resource, NO),
    ]
}
