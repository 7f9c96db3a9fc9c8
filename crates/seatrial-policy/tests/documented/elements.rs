//! Action, Resource and their opposites; case; wildcards; versions.

use seatrial_policy::{Layer, PolicyKind};

use crate::case::Outcome::{Denied, NotAllowed};
use crate::case::{ACCOUNT, Case, case, policy};

const ACTION: &str = "reference_policies_elements_action.html";
const NOT_ACTION: &str = "reference_policies_elements_notaction.html";
const RESOURCE: &str = "reference_policies_elements_resource.html";
const NOT_RESOURCE: &str = "reference_policies_elements_notresource.html";
const NOT_PRINCIPAL: &str = "reference_policies_elements_notprincipal.html";
const IDENTITY: Layer = Layer::Identity;

pub fn cases() -> Vec<Case> {
    [actions(), resources(), not_principals()].into_iter().flatten().collect()
}

fn actions() -> Vec<Case> {
    let all_but_iam = policy(r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#);
    let not_delete =
        policy(r#"{"Effect":"Allow","NotAction":"s3:DeleteBucket","Resource":"arn:aws:s3:::*"}"#);
    let mfa = policy(
        r#"{"Sid":"DenyAllUsersNotUsingMFA","Effect":"Deny","NotAction":"iam:*","Resource":"*",
        "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}"#,
    );
    let keys = policy(r#"{"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"*"}"#);
    vec![
        case(ACTION, "prefix and name are case-insensitive: iam:ListAccessKeys is IAM:listaccesskeys")
            .identity(&policy(r#"{"Effect":"Allow","Action":"IAM:listaccesskeys","Resource":"*"}"#))
            .asks("iam:ListAccessKeys", "*"),
        case(ACTION, "iam:*AccessKey* covers iam:CreateAccessKey")
            .identity(&keys)
            .asks("iam:CreateAccessKey", "*"),
        case(ACTION, "iam:*AccessKey* does not cover iam:CreateUser")
            .identity(&keys)
            .asks("iam:CreateUser", "*")
            .is(NotAllowed(IDENTITY)),
        case(NOT_ACTION, "NotAction with Allow: all but deleting the bucket")
            .identity(&not_delete)
            .asks("s3:ListBucket", "arn:aws:s3:::b"),
        case(NOT_ACTION, "NotAction with Allow leaves the listed one implicitly denied")
            .identity(&not_delete)
            .asks("s3:DeleteBucket", "arn:aws:s3:::b")
            .is(NotAllowed(IDENTITY)),
        case(NOT_ACTION, "NotAction iam:* with Allow covers every other service")
            .identity(&all_but_iam)
            .asks("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q"),
        case(NOT_ACTION, "NotAction with Deny: without MFA all but IAM is denied")
            .identity(&all_but_iam)
            .identity(&mfa)
            .asks("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q")
            .with("aws:MultiFactorAuthPresent", &["false"])
            .is(Denied(IDENTITY)),
        case(NOT_ACTION, "NotAction with Deny does not touch what it lists")
            .identity(&policy(r#"{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}"#))
            .identity(&mfa)
            .asks("iam:ListUsers", "*")
            .with("aws:MultiFactorAuthPresent", &["false"]),
    ]
}

fn resources() -> Vec<Case> {
    let allow =
        |resource: &str| policy(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}"#));
    let payroll = policy(
        r#"{"Effect":"Deny","Action":"s3:*","NotResource":["arn:aws:s3:::HRBucket/Payroll",
            "arn:aws:s3:::HRBucket/Payroll/*"]}"#,
    );
    vec![
        case(RESOURCE, "a specific object only")
            .identity(&allow("arn:aws:s3:::CorpBucket/Accounting/*"))
            .asks("s3:GetObject", "arn:aws:s3:::CorpBucket/Sales/a")
            .is(NotAllowed(IDENTITY)),
        case(RESOURCE, "* takes everything in a segment, slashes included")
            .identity(&allow("arn:aws:iam::111122223333:user/Development/product_1234/*"))
            .asks("iam:GetUser", "arn:aws:iam::111122223333:user/Development/product_1234/a/b"),
        case(RESOURCE, "* at the end of a segment goes beyond its colon")
            .identity(&allow("arn:aws:s3:*"))
            .asks("s3:GetObject", "arn:aws:s3:::b/k"),
        case(RESOURCE, "names of resources keep their case")
            .identity(&allow("arn:aws:s3:::Bucket/*"))
            .asks("s3:GetObject", "arn:aws:s3:::bucket/k")
            .is(NotAllowed(IDENTITY)),
        case(RESOURCE, "? is exactly one character")
            .identity(&allow("arn:aws:s3:::log-202?/*"))
            .asks("s3:GetObject", "arn:aws:s3:::log-20201/k")
            .is(NotAllowed(IDENTITY)),
        case(RESOURCE, "an action without resources matches * only")
            .identity(&allow("arn:aws:s3:::*"))
            .asks("s3:ListAllMyBuckets", "*")
            .is(NotAllowed(IDENTITY)),
        case(NOT_RESOURCE, "with Deny: all but the listed ones")
            .identity(&allow("*"))
            .identity(&payroll)
            .asks("s3:GetObject", "arn:aws:s3:::HRBucket/Sales")
            .is(Denied(IDENTITY)),
        case(NOT_RESOURCE, "with Deny: the listed ones are not denied")
            .identity(&allow("*"))
            .identity(&payroll)
            .asks("s3:GetObject", "arn:aws:s3:::HRBucket/Payroll/May"),
        case(NOT_RESOURCE, "an Allow of the listed ones is still needed")
            .identity(&payroll)
            .asks("s3:GetObject", "arn:aws:s3:::HRBucket/Payroll/May")
            .is(NotAllowed(IDENTITY)),
    ]
}

fn not_principals() -> Vec<Case> {
    let deny = |listed: &str| {
        policy(&format!(
            r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":[{listed}]}},"Action":"s3:*","Resource":"*"}}"#
        ))
    };
    let all = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    let root = format!(r#""arn:aws:iam::{ACCOUNT}:root""#);
    let user = format!(r#""arn:aws:iam::{ACCOUNT}:user/alice",{root}"#);
    let role = format!(r#""arn:aws:iam::{ACCOUNT}:role/auditor",{root}"#);
    let session = format!(r#""arn:aws:sts::{ACCOUNT}:assumed-role/auditor/app",{role}"#);
    let ask = |claim, listed: &str| {
        case(NOT_PRINCIPAL, claim)
            .identity(&all)
            .of_resource(PolicyKind::Resource, &deny(listed))
            .asks("s3:GetObject", "arn:aws:s3:::b/k")
    };
    vec![
        ask("the user and its account are listed: not denied", &user),
        ask("another user is denied", &user)
            .user("arn:aws:iam::111122223333:user/bob")
            .asks("s3:GetObject", "arn:aws:s3:::b/k")
            .is(Denied(Layer::Resource)),
        ask(
            "without the account the listed user is denied, too",
            r#""arn:aws:iam::111122223333:user/alice""#,
        )
        .is(Denied(Layer::Resource)),
        ask("session, role and account are listed: not denied", &session).role("auditor", "app"),
        ask("the session is checked last, and denied where it is not listed", &role)
            .role("auditor", "app")
            .is(Denied(Layer::Resource)),
        ask("whoever has a permissions boundary is always denied", &user)
            .boundary(&all)
            .is(Denied(Layer::Resource)),
    ]
}
