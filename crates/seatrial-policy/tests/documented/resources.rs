//! Policies of resources, within an account and across two.

use seatrial_policy::{Layer, PolicyKind};

use crate::case::Outcome::{Allowed, Denied, NotAllowed};
use crate::case::{Case, Outcome, case, policy};

const DENY_ALLOW: &str = "reference_policies_evaluation-logic_policy-eval-denyallow.html";
const BASICS: &str = "reference_policies_evaluation-logic_policy-eval-basics.html#policy-eval-basics-id-rdp";
const PRINCIPAL: &str = "reference_policies_elements_principal.html";
const CROSS: &str = "reference_policies_evaluation-logic-cross-account.html";
const KMS: &str = "kms/latest/developerguide/key-policies.html";
const OBJECT: &str = "arn:aws:s3:::b/k";
const GET: &str = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#;

fn bucket(effect: &str, principal: &str) -> String {
    policy(&format!(
        r#"{{"Effect":"{effect}","Principal":{principal},"Action":"s3:GetObject",
            "Resource":"arn:aws:s3:::b/*"}}"#
    ))
}

fn asked(page: &'static str, claim: &'static str, principal: &str, outcome: Outcome) -> Case {
    let document = bucket("Allow", principal);
    case(page, claim).of_resource(PolicyKind::Resource, &document).asks("s3:GetObject", OBJECT).is(outcome)
}

pub fn cases() -> Vec<Case> {
    [within(), whom(), across(), keys()].into_iter().flatten().collect()
}

fn within() -> Vec<Case> {
    let user = r#"{"AWS":"arn:aws:iam::111122223333:user/alice"}"#;
    let role = r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#;
    let other = r#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#;
    vec![
        asked(BASICS, "the union: the resource's policy alone allows", user, Allowed),
        asked(BASICS, "the union: the identity-based policy alone allows", other, Allowed)
            .identity(&policy(GET)),
        asked(BASICS, "neither allows", other, NotAllowed(Layer::Identity)),
        case(BASICS, "an explicit deny in the resource's policy overrides the identity-based allow")
            .identity(&policy(GET))
            .of_resource(PolicyKind::Resource, &bucket("Deny", user))
            .asks("s3:GetObject", OBJECT)
            .is(Denied(Layer::Resource)),
        asked(
            BASICS,
            "an explicit deny in the identity-based policy overrides the resource's allow",
            user,
            Denied(Layer::Identity),
        )
        .identity(&policy(r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#)),
        asked(
            DENY_ALLOW,
            "a role that is named allows its session without identity-based policy",
            role,
            Allowed,
        )
        .role("app", "s"),
        asked(DENY_ALLOW, "another role's session is not named", role, NotAllowed(Layer::Identity))
            .role("web", "s"),
    ]
}

fn whom() -> Vec<Case> {
    let account = r#"{"AWS":"111122223333"}"#;
    let root = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
    let session = r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/app/s"}"#;
    let none = NotAllowed(Layer::Identity);
    vec![
        asked(PRINCIPAL, "an account delegates: its own policies must allow as well", account, none),
        asked(PRINCIPAL, "the account's root ARN is the account", root, none),
        asked(PRINCIPAL, "an account delegates, and an identity-based policy allows", root, Allowed)
            .identity(&policy(GET)),
        case(PRINCIPAL, "a Deny of the account is one of all its principals")
            .identity(&policy(GET))
            .of_resource(PolicyKind::Resource, &bucket("Deny", account))
            .asks("s3:GetObject", OBJECT)
            .is(Denied(Layer::Resource)),
        asked(PRINCIPAL, "everyone, as \"*\"", r#""*""#, Allowed),
        asked(PRINCIPAL, "everyone, as {\"AWS\":\"*\"}", r#"{"AWS":"*"}"#, Allowed),
        asked(PRINCIPAL, "a role session by its ARN", session, Allowed).role("app", "s"),
        asked(PRINCIPAL, "another session of the same role is not named", session, none).role("app", "t"),
        asked(
            PRINCIPAL,
            "several principals: each is granted",
            r#"{"AWS":["arn:aws:iam::111122223333:user/bob","arn:aws:iam::111122223333:user/alice"]}"#,
            Allowed,
        ),
        asked(
            PRINCIPAL,
            "a user that is named beside its account is granted as a user",
            r#"{"AWS":["111122223333","arn:aws:iam::111122223333:user/alice","444455556666"]}"#,
            Allowed,
        ),
        asked(PRINCIPAL, "a service by its name", r#"{"Service":"cloudtrail.amazonaws.com"}"#, Allowed)
            .service("cloudtrail.amazonaws.com"),
        asked(
            PRINCIPAL,
            "another service",
            r#"{"Service":"cloudtrail.amazonaws.com"}"#,
            NotAllowed(Layer::Resource),
        )
        .service("config.amazonaws.com"),
    ]
}

fn across() -> Vec<Case> {
    let user = r#"{"AWS":"arn:aws:iam::111122223333:user/alice"}"#;
    let account = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
    vec![
        asked(CROSS, "both sides allow", user, Allowed).identity(&policy(GET)).owned_by("444455556666"),
        asked(CROSS, "both sides allow, the account being named", account, Allowed)
            .identity(&policy(GET))
            .owned_by("444455556666"),
        asked(CROSS, "the resource's policy alone is not enough", user, NotAllowed(Layer::Identity))
            .owned_by("444455556666"),
        case(CROSS, "a resource whose ARN is of another account")
            .identity(&policy(r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}"#))
            .asks("sqs:SendMessage", "arn:aws:sqs:us-east-1:444455556666:q")
            .is(NotAllowed(Layer::Resource)),
        case(CROSS, "the identity-based policy alone is not enough")
            .identity(&policy(GET))
            .asks("s3:GetObject", OBJECT)
            .owned_by("444455556666")
            .is(NotAllowed(Layer::Resource)),
    ]
}

fn keys() -> Vec<Case> {
    let key = |principal: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"kms:*","Resource":"*"}}"#
        ))
    };
    let decrypt = policy(r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#);
    let ask = |claim, principal: &str| {
        let asked = case(KMS, claim).of_resource(PolicyKind::Key, &key(principal));
        asked.asks("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k")
    };
    vec![
        ask("the account is named: identity-based policies may allow", "arn:aws:iam::111122223333:root")
            .identity(&decrypt),
        ask("nobody may use the key whom its policy does not name", "arn:aws:iam::111122223333:user/bob")
            .identity(&decrypt)
            .is(NotAllowed(Layer::Resource)),
        ask("who is named needs no identity-based policy", "arn:aws:iam::111122223333:user/alice"),
    ]
}
