//! Documents that AWS refuses.

use proptest::prelude::*;
use seatrial_policy::{Context, NamedPolicy, Policies, Policy, PolicyError, PolicyKind, Principal, Request};

use crate::case::policy;

/// A statement with `elements` behind its effect.
fn with(elements: &str) -> String {
    policy(&format!(r#"{{"Effect":"Allow",{elements}}}"#))
}

fn refused(kind: PolicyKind, text: &str, rule: &str) {
    let told = Policy::parse(kind, text).map_or_else(|error| error.to_string(), |_| "taken".to_owned());
    assert!(told.contains(rule), "{text}: {told}");
}

#[test]
fn what_create_policy_refuses_is_refused_in_its_words() {
    for (elements, rule) in [
        (r#""Resource":"*""#, "Policy statement must contain actions."),
        (r#""Action":"s3:*""#, "Policy statement must contain resources."),
        (r#""Action":"GetObject","Resource":"*""#, "Actions/Conditions must be prefaced by a vendor"),
        (r#""Action":"s3:Get:Object","Resource":"*""#, "Actions/Condition can contain only one colon."),
        (r#""Action":"s*:GetObject","Resource":"*""#, "Vendor s* is not valid"),
        (r#""Action":"s3:*","Resource":"b/k""#, r#"Resource b/k must be in ARN format or "*"."#),
        (r#""Action":"s3:*","Resource":"arn:gcp:s3:::b""#, "is not valid for resource"),
        (r#""Action":"s3:*","Resource":"arn:aws:s*:::b""#, "Resource vendor must be fully qualified"),
        (r#""Action":"s3:*","Resource":"arn:aws:s3:b""#, "it must have six components"),
        (r#""Action":"s3:*","Resource":"arn:aws:s3:${aws:username}::b""#, "before the fifth colon"),
        (r#""Action":"s3:*","Resource":"arn:aws:s3:::${aws:username""#, "without its closing brace"),
        (r#""Action":"s3:*","NotAction":"s3:*","Resource":"*""#, "must not stand beside Action"),
        (r#""Action":[],"Resource":"*""#, "Syntax errors in policy."),
        (
            r#""Action":"s3:*","Resource":"*","Principal":"*""#,
            "Policy document should not specify a principal.",
        ),
        (r#""Action":"s3:*","Resource":"*","Resources":"*""#, "is not an element of a statement"),
        (r#""Action":"s3:*","Resource":"*","Sid":"not this""#, "Statement IDs (SID) must be alpha-numeric."),
    ] {
        refused(PolicyKind::Identity, &with(elements), rule);
    }
}

#[test]
fn conditions_that_compare_what_they_cannot_are_refused() {
    for (condition, rule) in [
        (r#""StringIs":{"a:b":"x"}"#, "is not a condition operator"),
        (r#""stringEquals":{"a:b":"x"}"#, "is not a condition operator"),
        (r#""NullIfExists":{"a:b":"true"}"#, "is not a condition operator"),
        (r#""StringEquals":{"SourceIp":"x"}"#, "must be a condition key with its prefix"),
        (r#""StringEquals":{"a:b":[]}"#, "has no value"),
        (r#""StringEquals":{"a:b":{"c":"d"}}"#, "must be a text, or several"),
        (r#""NumericEquals":{"a:b":"ten"}"#, "must be a number"),
        (r#""DateEquals":{"a:b":"tomorrow"}"#, "must be a date"),
        (r#""Bool":{"a:b":"yes"}"#, "must be `true` or `false`"),
        (r#""IpAddress":{"a:b":"203.0.113.0/40"}"#, "must be an address"),
        (r#""BinaryEquals":{"a:b":"%"}"#, "must be base64"),
        (r#""ArnLike":{"a:b":"topic"}"#, "is not an ARN of six components"),
    ] {
        let elements = format!(r#""Action":"s3:*","Resource":"*","Condition":{{{condition}}}"#);
        refused(PolicyKind::Identity, &with(&elements), rule);
    }
}

#[test]
fn trust_policies_have_rules_of_their_own() {
    for (elements, rule) in [
        (r#""Action":"sts:AssumeRole""#, "Missing required field Principal"),
        (r#""Principal":"*","Action":"s3:*""#, "AssumeRole policy may only specify STS AssumeRole actions."),
        (r#""Principal":"*","Action":"sts:AssumeRole","Resource":"*""#, "Has prohibited field Resource"),
        (r#""NotPrincipal":"*","Action":"sts:AssumeRole""#, "must not stand in a role's trust policy"),
        (r#""Principal":{"AWS":"alice"},"Action":"sts:AssumeRole""#, "Invalid principal in policy"),
        (
            r#""Principal":{"AWS":"arn:aws:iam::111122223333:user/*"},"Action":"sts:AssumeRole""#,
            "Invalid principal",
        ),
        (r#""Principal":{"Service":"codebuild"},"Action":"sts:AssumeRole""#, "Invalid principal in policy"),
    ] {
        refused(PolicyKind::Trust, &with(elements), rule);
    }
    let elements = r#""NotPrincipal":"*","Action":"s3:*","Resource":"*""#;
    refused(PolicyKind::Resource, &with(elements), "must be used with Deny");
}

#[test]
fn a_fault_is_told_with_its_statement() {
    let text = policy(
        r#"{"Sid":"First","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"Second",
            "Effect":"allow","Action":"*"}"#,
    );

    let error = Policy::parse(PolicyKind::Identity, &text).unwrap_err();

    assert!(matches!(&error, PolicyError::Statement { index: 1, sid: Some(sid), .. } if sid == "Second"));
    assert_eq!(
        error.to_string(),
        "statement 1 (`Second`): `Effect` must be Allow or Deny: Syntax errors in policy."
    );
}

#[test]
fn a_sid_or_an_element_that_stands_twice_is_refused() {
    let one = r#"{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    refused(PolicyKind::Identity, &policy(&format!("{one},{one}")), "in a single policy must be unique");
    let twice = r#"{"Effect":"Deny","Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    refused(PolicyKind::Identity, &policy(twice), "`Effect` stands twice in one object");
    for text in [
        "",
        "[]",
        "{}",
        r#"{"Version":"2020-01-01","Statement":[]}"#,
        r#"{"Statement":[]}"#,
        r#"{"Statements":{}}"#,
    ] {
        assert!(Policy::parse(PolicyKind::Identity, text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        for kind in [PolicyKind::Identity, PolicyKind::Resource, PolicyKind::Key, PolicyKind::Trust] {
            let _ = Policy::parse(kind, &text);
        }
    }

    #[test]
    fn no_value_of_an_element_panics_or_makes_a_deny_allow(
        action in "[a-z0-9:*?${}, é]{0,20}",
        resource in "(arn:aws:s3:::)?[a-z:*?${},' /é]{0,24}",
        operator in "(ForAllValues:|ForAnyValue:)?(String|Arn|Numeric|Date|Bool|Binary|Ip|Null)[A-Za-z]{0,8}",
        value in "[0-9a-zTZ:./*?${},'+é-]{0,24}",
        found in "[0-9a-zTZ:./*?${},'+é-]{0,24}",
    ) {
        let text = policy(&format!(
            r#"{{"Effect":"Deny","Action":"{action}","Resource":"{resource}",
                "Condition":{{"{operator}":{{"aws:x":"{value}"}}}}}}"#
        ));
        if let Ok(policy) = Policy::parse(PolicyKind::Identity, &text) {
            let identity = [NamedPolicy { name: "any".to_owned(), policy }];
            let principal = Principal::Service { name: value.clone() };
            let mut context = Context::of(&principal);
            context.insert("aws:x", [found]);
            let request = Request {
                principal: &principal,
                action: &action,
                resource: &resource,
                resource_account: None,
                context: &context,
            };
            let decision = Policies { identity: &identity, ..Policies::default() }.decide(&request);
            prop_assert!(decision.denial(&request).is_some(), "a Deny allows nothing");
        }
    }
}
