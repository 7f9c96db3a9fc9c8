//! AWS's words for what is denied.

use seatrial_policy::{Layer, PolicyKind};

use crate::case::Outcome::{Denied, NotAllowed};
use crate::case::{Case, case, policy};

/// Its examples, each with the resource, which some of them leave out.
const PAGE: &str = "troubleshoot_access-denied.html";
const USER: &str = "arn:aws:iam::123456789012:user/JohnDoe";
const GROUP: &str = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:*";
const ROLE: &str = "arn:aws:iam::123456789012:role/app";

pub fn cases() -> Vec<Case> {
    [implicit(), explicit()].into_iter().flatten().collect()
}

fn all() -> String {
    policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#)
}

fn implicit() -> Vec<Case> {
    let nothing = policy(r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}"#);
    let secret =
        policy(r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"*","Resource":"*"}"#);
    let trust = policy(r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}"#);
    let repositories = |claim| case(PAGE, claim).user(USER).asks("codecommit:ListRepositories", "*");
    vec![
        repositories("identity-based policies, implicit")
            .is(NotAllowed(Layer::Identity))
            .says("because no identity-based policy allows the codecommit:ListRepositories action"),
        repositories("session policies, implicit")
            .identity(&all())
            .session(&nothing)
            .is(NotAllowed(Layer::Session))
            .says("because no session policy allows the codecommit:ListRepositories action"),
        case(PAGE, "permissions boundary, implicit")
            .user(USER)
            .identity(&all())
            .boundary(&nothing)
            .asks("codedeploy:ListDeployments", GROUP)
            .is(NotAllowed(Layer::Boundary))
            .says("because no permissions boundary allows the codedeploy:ListDeployments action"),
        case(PAGE, "resource-based policies, implicit")
            .user(USER)
            .identity(&all())
            .of_resource(PolicyKind::Resource, &secret)
            .owned_by("777788889999")
            .asks("secretsmanager:GetSecretValue", SECRET)
            .is(NotAllowed(Layer::Resource))
            .says("because no resource-based policy allows the secretsmanager:GetSecretValue action"),
        case(PAGE, "role trust policies, implicit")
            .user(USER)
            .of_resource(PolicyKind::Trust, &trust)
            .asks("sts:AssumeRole", ROLE)
            .is(NotAllowed(Layer::Trust))
            .says("because no role trust policy allows the sts:AssumeRole action"),
    ]
}

fn explicit() -> Vec<Case> {
    let deny = policy(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#);
    let of_resource = policy(r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#);
    let trust = policy(r#"{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}"#);
    let lists =
        |claim| case(PAGE, claim).user(USER).identity(&all()).asks("codedeploy:ListDeployments", GROUP);
    vec![
        lists("identity-based policies, explicit")
            .identity(&deny)
            .is(Denied(Layer::Identity))
            .says("with an explicit deny in an identity-based policy"),
        lists("permissions boundary, explicit")
            .boundary(&deny)
            .is(Denied(Layer::Boundary))
            .says("with an explicit deny in a permissions boundary"),
        lists("session policies, explicit")
            .session(&deny)
            .is(Denied(Layer::Session))
            .says("with an explicit deny in a session policy"),
        case(PAGE, "resource-based policies, explicit")
            .user(USER)
            .identity(&all())
            .of_resource(PolicyKind::Resource, &of_resource)
            .asks("secretsmanager:GetSecretValue", SECRET)
            .is(Denied(Layer::Resource))
            .says("with an explicit deny in a resource-based policy"),
        case(PAGE, "role trust policies, explicit")
            .user(USER)
            .of_resource(PolicyKind::Trust, &trust)
            .asks("sts:AssumeRole", ROLE)
            .is(Denied(Layer::Trust))
            .says("with an explicit deny in the role trust policy"),
    ]
}
