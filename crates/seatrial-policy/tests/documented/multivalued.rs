//! Set operators for context keys with several values.

use seatrial_policy::Layer;

use crate::case::Outcome::{Allowed, Denied, NotAllowed};
use crate::case::{Case, Outcome, case, policy};

const EXAMPLES: &str = "reference_policies_condition_examples-multi-valued-context-keys.html";
/// What follows from the page, which has no example of it.
const SETS: &str = "reference_policies_condition-single-vs-multi-valued-context-keys.html";
/// The older page, with DynamoDB's attributes.
const OLDER: &str = "reference_policies_multi-value-conditions.html";
const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/Thread";
const ATTRIBUTES: &str = "dynamodb:requestedAttributes";
const NO: Outcome = NotAllowed(Layer::Identity);
const DENIED: Outcome = Denied(Layer::Identity);

pub fn cases() -> Vec<Case> {
    [attributes(), tag_keys()].into_iter().flatten().collect()
}

fn attributes() -> Vec<Case> {
    let get = policy(
        r#"{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*",
            "Condition":{"ForAllValues:StringLike":
        {"dynamodb:requestedAttributes":["PostDateTime","Message","Tags"]}}}"#,
    );
    let put = policy(
        r#"{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"},
        {"Effect":"Deny","Action":"dynamodb:PutItem","Resource":"*","Condition":{"ForAnyValue:StringLike":
        {"dynamodb:requestedAttributes":["ID","PostDateTime"]}}}"#,
    );
    let gets = |claim, values: &[&str], outcome| {
        case(OLDER, claim).identity(&get).asks("dynamodb:GetItem", TABLE).with(ATTRIBUTES, values).is(outcome)
    };
    let puts = |claim, values: &[&str], outcome| {
        case(OLDER, claim).identity(&put).asks("dynamodb:PutItem", TABLE).with(ATTRIBUTES, values).is(outcome)
    };
    vec![
        gets("ForAllValues: all requested attributes are listed", &["PostDateTime", "Message"], Allowed),
        gets("ForAllValues: UserName is not listed", &["PostDateTime", "UserName"], NO),
        gets("ForAllValues: ID is not listed", &["PostDateTime", "Message", "ID"], NO),
        gets("ForAllValues is true of an empty set", &[], Allowed),
        gets("ForAllValues is true of an empty text", &[""], Allowed),
        puts("ForAnyValue: one match is enough", &["UserName", "Message", "PostDateTime"], DENIED),
        puts("ForAnyValue: no match", &["UserName"], Allowed),
        puts("ForAnyValue is false of an empty set", &[], Allowed),
        puts("ForAnyValue is false of an empty text", &[""], Allowed),
    ]
}

fn tag_keys() -> Vec<Case> {
    let with = |condition: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Sid":"DenyRestrictedTags","Effect":"Deny",
            "Action":["iam:Tag*","iam:UnTag*"],"Resource":"*","Condition":{{{condition}}}}}"#
        ))
    };
    let ask = |page, claim, condition: &str, keys: &[&str], outcome| {
        case(page, claim)
            .identity(&with(condition))
            .asks("iam:TagUser", "*")
            .with("aws:TagKeys", keys)
            .is(outcome)
    };
    let like =
        r#""Null":{"aws:TagKeys":"false"},"ForAllValues:StringLike":{"aws:TagKeys":["key1*","key2*"]}"#;
    let not_like = r#""ForAllValues:StringNotLike":{"aws:TagKeys":"key1*"}"#;
    let any_not = r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}"#;
    vec![
        ask(
            EXAMPLES,
            "ForAllValues with Null: every key has a listed prefix",
            like,
            &["key1x", "key2y"],
            DENIED,
        ),
        ask(EXAMPLES, "ForAllValues with Null: one key has none", like, &["key1x", "other"], Allowed),
        ask(EXAMPLES, "Null keeps ForAllValues from being true without keys", like, &[], Allowed),
        ask(EXAMPLES, "its table: key1:legal, no match", not_like, &["key1:legal"], Allowed),
        ask(
            EXAMPLES,
            "its table: key1:hr and key1:personnel",
            not_like,
            &["key1:hr", "key1:personnel"],
            Allowed,
        ),
        ask(EXAMPLES, "its table: key2:audit, a match", not_like, &["key2:audit"], DENIED),
        ask(
            EXAMPLES,
            "ForAllValues:StringNotLike: no key has the prefix",
            not_like,
            &["other", "more"],
            DENIED,
        ),
        ask(
            EXAMPLES,
            "ForAllValues:StringNotLike: one key has the prefix",
            not_like,
            &["key1:legal", "x"],
            Allowed,
        ),
        ask(EXAMPLES, "its table: no aws:TagKeys in the request, a match", not_like, &[], DENIED),
        ask(
            SETS,
            "ForAnyValue:StringNotEquals: some key is none of the listed",
            any_not,
            &["a", "c"],
            DENIED,
        ),
        ask(SETS, "ForAnyValue:StringNotEquals: all keys are listed", any_not, &["a", "b"], Allowed),
    ]
}
