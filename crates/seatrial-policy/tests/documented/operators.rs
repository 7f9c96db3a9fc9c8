//! Condition operators, one by one.

use seatrial_policy::Layer;

use crate::case::Outcome::{Allowed, Denied, NotAllowed};
use crate::case::{Case, Outcome, case, policy};

const PAGE: &str = "reference_policies_elements_condition_operators.html";
const NO: Outcome = NotAllowed(Layer::Identity);

/// Allows everything under a condition.
fn under(condition: &str) -> String {
    policy(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#))
}

/// Holds `values` of `key` against `condition`.
fn held(claim: &'static str, condition: &str, key: &str, values: &[&str], outcome: Outcome) -> Case {
    case(PAGE, claim)
        .identity(&under(condition))
        .asks("s3:GetObject", "arn:aws:s3:::b/k")
        .with(key, values)
        .is(outcome)
}

pub fn cases() -> Vec<Case> {
    [texts(), numbers_and_dates(), others(), arns(), absent()].into_iter().flatten().collect()
}

fn texts() -> Vec<Case> {
    let tag = "aws:PrincipalTag/job-category";
    let equals = r#""StringEquals":{"aws:PrincipalTag/job-category":"iamuser-admin"}"#;
    vec![
        held("StringEquals: exact", equals, tag, &["iamuser-admin"], Allowed),
        held("StringEquals: case counts", equals, tag, &["IamUser-Admin"], NO),
        held("StringEquals: * is no wildcard", r#""StringEquals":{"a:b":"x*"}"#, "a:b", &["xy"], NO),
        held(
            "a key's name is without case",
            r#""StringEquals":{"AWS:principaltag/JOB-category":"x"}"#,
            tag,
            &["x"],
            Allowed,
        ),
        held(
            "StringEqualsIgnoreCase",
            r#""StringEqualsIgnoreCase":{"a:b":"JOHN"}"#,
            "a:b",
            &["John"],
            Allowed,
        ),
        held(
            "StringNotEqualsIgnoreCase",
            r#""StringNotEqualsIgnoreCase":{"a:b":"JOHN"}"#,
            "a:b",
            &["John"],
            NO,
        ),
        held(
            "StringLike: * and ?",
            r#""StringLike":{"s3:prefix":"home/?b*"}"#,
            "s3:prefix",
            &["home/abc/d"],
            Allowed,
        ),
        held(
            "StringLike: the whole text",
            r#""StringLike":{"s3:prefix":"home/"}"#,
            "s3:prefix",
            &["home/a"],
            NO,
        ),
        held("StringNotLike", r#""StringNotLike":{"s3:prefix":"home/*"}"#, "s3:prefix", &["home/a"], NO),
        held("several values: any of them", r#""StringEquals":{"a:b":["x","y"]}"#, "a:b", &["y"], Allowed),
        held(
            "several values, negated: none of them",
            r#""StringNotEquals":{"a:b":["x","y"]}"#,
            "a:b",
            &["y"],
            NO,
        ),
        held("several keys: all of them", r#""StringEquals":{"a:b":"x","a:c":"x"}"#, "a:b", &["x"], NO),
        held(
            "several operators: all of them",
            r#""StringEquals":{"a:b":"x"},"StringLike":{"a:b":"y*"}"#,
            "a:b",
            &["x"],
            NO,
        ),
    ]
}

fn numbers_and_dates() -> Vec<Case> {
    let keys = r#""NumericLessThanEquals":{"s3:max-keys":"10"}"#;
    let issued = r#""DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}"#;
    vec![
        held("s3:max-keys up to 10: 10", keys, "s3:max-keys", &["10"], Allowed),
        held("s3:max-keys up to 10: 9, by number, not by text", keys, "s3:max-keys", &["9"], Allowed),
        held("s3:max-keys up to 10: 11", keys, "s3:max-keys", &["11"], NO),
        held("NumericEquals: decimals", r#""NumericEquals":{"a:b":1.5}"#, "a:b", &["1.50"], Allowed),
        held("NumericNotEquals", r#""NumericNotEquals":{"a:b":"7"}"#, "a:b", &["7"], NO),
        held("NumericGreaterThan", r#""NumericGreaterThan":{"a:b":"7"}"#, "a:b", &["7"], NO),
        held("a value that is no number matches none", keys, "s3:max-keys", &["few"], NO),
        held("issued in 2020", issued, "aws:TokenIssueTime", &["2020-06-01T00:00:00Z"], Allowed),
        held(
            "issued at that very moment is not after it",
            issued,
            "aws:TokenIssueTime",
            &["2020-01-01T00:00:01Z"],
            NO,
        ),
        held(
            "epoch time",
            r#""DateLessThan":{"aws:EpochTime":"1577836801"}"#,
            "aws:EpochTime",
            &["1577836800"],
            Allowed,
        ),
        held(
            "zones count",
            r#""DateEquals":{"a:b":"2020-01-01T01:00:00+01:00"}"#,
            "a:b",
            &["2020-01-01T00:00:00Z"],
            Allowed,
        ),
    ]
}

fn others() -> Vec<Case> {
    let ip = r#""IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}"#;
    let binary = r#""BinaryEquals":{"a:b":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}"#;
    let deny = policy(
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"BooleanExample","Effect":"Deny",
            "Action":"s3:*",
        "Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],
            "Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
    );
    let plain = |claim, secure, outcome| {
        let asked = case(PAGE, claim).identity(&deny).asks("s3:GetObject", "arn:aws:s3:::b/k");
        asked.with("aws:SecureTransport", &[secure]).is(outcome)
    };
    vec![
        plain("BooleanExample: denied without TLS", "false", Denied(Layer::Identity)),
        plain("BooleanExample: not denied with TLS", "true", Allowed),
        held("within the range", ip, "aws:SourceIp", &["203.0.113.255"], Allowed),
        held("outside of the range", ip, "aws:SourceIp", &["203.0.114.0"], NO),
        held("IPv6 beside IPv4", ip, "aws:SourceIp", &["2001:db8:1234:5678::1"], Allowed),
        held(
            "without a prefix one address",
            r#""IpAddress":{"aws:SourceIp":"203.0.113.7"}"#,
            "aws:SourceIp",
            &["203.0.113.8"],
            NO,
        ),
        held(
            "NotIpAddress",
            r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#,
            "aws:SourceIp",
            &["203.0.113.9"],
            NO,
        ),
        held("BinaryEquals", binary, "a:b", &["QmluYXJ5VmFsdWVJbkJhc2U2NA=="], Allowed),
        held("BinaryEquals: byte for byte, with case", binary, "a:b", &["qmluYXJ5VmFsdWVJbkJhc2U2NA=="], NO),
    ]
}

fn arns() -> Vec<Case> {
    let key = "aws:SourceArn";
    let topic = r#""ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:111122223333:topic-*"}"#;
    let by_component = r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:topic:*:x"}"#;
    vec![
        held(
            "ArnEquals takes wildcards, as ArnLike",
            topic,
            key,
            &["arn:aws:sns:us-east-1:111122223333:topic-1"],
            Allowed,
        ),
        held("another account", topic, key, &["arn:aws:sns:us-east-1:444455556666:topic-1"], NO),
        held("each component is checked separately", by_component, key, &["arn:aws:sns:a:b:topic:c:x"], NO),
        held(
            "ArnNotLike",
            r#""ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:*:t*"}"#,
            key,
            &["arn:aws:sns:r:1:t"],
            NO,
        ),
        held(
            "what stands behind the fifth colon is one component",
            r#""ArnLike":{"aws:SourceArn":"arn:aws:logs:*:111122223333:log-group:/aws/x:*"}"#,
            key,
            &["arn:aws:logs:eu-west-1:111122223333:log-group:/aws/x:log-stream:y"],
            Allowed,
        ),
        held("what is no ARN matches none", topic, key, &["topic-1"], NO),
    ]
}

/// "Important" at the top of the page, IfExists, and Null.
fn absent() -> Vec<Case> {
    let none = |claim, condition: &str, outcome| held(claim, condition, "other:key", &["x"], outcome);
    let null = |value: &str| format!(r#""Null":{{"aws:TokenIssueTime":"{value}"}}"#);
    let with = |claim, value: &str, outcome| {
        held(claim, &null(value), "aws:TokenIssueTime", &["2020-01-01T00:00:00Z"], outcome)
    };
    vec![
        none("an absent key does not match", r#""StringEquals":{"a:b":"x"}"#, NO),
        none("an absent key is not met by numbers", r#""NumericLessThan":{"a:b":"1"}"#, NO),
        none("an absent key is not met by Bool", r#""Bool":{"aws:MultiFactorAuthPresent":"false"}"#, NO),
        none("of negated operators it is true: StringNotLike", r#""StringNotLike":{"a:b":"x"}"#, Allowed),
        none(
            "of negated operators it is true: ArnNotLike",
            r#""ArnNotLike":{"a:b":"arn:aws:s3:::x"}"#,
            Allowed,
        ),
        none(
            "of negated operators it is true: NotIpAddress",
            r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#,
            Allowed,
        ),
        none(
            "IfExists: an absent key is true",
            r#""StringLikeIfExists":{"ec2:InstanceType":["t1.*","t2.*"]}"#,
            Allowed,
        ),
        held(
            "IfExists: a key that is there counts",
            r#""StringLikeIfExists":{"ec2:InstanceType":["t1.*","t2.*"]}"#,
            "ec2:InstanceType",
            &["m5.large"],
            NO,
        ),
        none("Null true: the key is absent", &null("true"), Allowed),
        none("Null false: the key must be there", &null("false"), NO),
        with("Null true: temporary credentials are refused", "true", NO),
        with("Null false: the key is there", "false", Allowed),
    ]
}
