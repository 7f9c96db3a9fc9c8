//! Session policies.

use seatrial_policy::{Layer, PolicyKind};

use crate::case::Outcome::{Denied, NotAllowed};
use crate::case::{Case, case, policy};

const PAGE: &str = "access_policies.html#policies_session";
const S3_ALL: &str = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
const GET: &str = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#;
const OBJECT: &str = "arn:aws:s3:::b/k";

pub fn cases() -> Vec<Case> {
    let bucket = |principal: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"s3:PutObject",
                "Resource":"*"}}"#
        ))
    };
    let role = "arn:aws:iam::111122223333:role/app";
    let session = "arn:aws:sts::111122223333:assumed-role/app/s";
    vec![
        case(PAGE, "the intersection: allowed by both")
            .identity(&policy(S3_ALL))
            .session(&policy(GET))
            .role("app", "s")
            .asks("s3:GetObject", OBJECT),
        case(PAGE, "the intersection: not in the session policy")
            .identity(&policy(S3_ALL))
            .session(&policy(GET))
            .role("app", "s")
            .asks("s3:PutObject", OBJECT)
            .is(NotAllowed(Layer::Session)),
        case(PAGE, "the intersection: not in the role's policies")
            .identity(&policy(GET))
            .session(&policy(S3_ALL))
            .role("app", "s")
            .asks("s3:PutObject", OBJECT)
            .is(NotAllowed(Layer::Identity)),
        case(PAGE, "several session policies are checked together")
            .identity(&policy(S3_ALL))
            .session(&policy(GET))
            .session(&policy(r#"{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}"#))
            .role("app", "s")
            .asks("s3:PutObject", OBJECT),
        case(PAGE, "an explicit deny in the session policy")
            .identity(&policy(S3_ALL))
            .session(&policy(&format!(
                r#"{S3_ALL},{{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}}"#
            )))
            .role("app", "s")
            .asks("s3:PutObject", OBJECT)
            .is(Denied(Layer::Session)),
        case(PAGE, "what a resource's policy grants to the role is limited by the session policy")
            .session(&policy(GET))
            .of_resource(PolicyKind::Resource, &bucket(role))
            .role("app", "s")
            .asks("s3:PutObject", OBJECT)
            .is(NotAllowed(Layer::Session)),
        case(PAGE, "what a resource's policy grants to the role, and the session policy allows")
            .session(&policy(S3_ALL))
            .of_resource(PolicyKind::Resource, &bucket(role))
            .role("app", "s")
            .asks("s3:PutObject", OBJECT),
        case(PAGE, "what a resource's policy grants to the session is not limited by the session policy")
            .session(&policy(GET))
            .of_resource(PolicyKind::Resource, &bucket(session))
            .role("app", "s")
            .asks("s3:PutObject", OBJECT),
        case(PAGE, "permissions boundary, session and role policies: all three")
            .identity(&policy(S3_ALL))
            .boundary(&policy(GET))
            .session(&policy(S3_ALL))
            .role("app", "s")
            .asks("s3:PutObject", OBJECT)
            .is(NotAllowed(Layer::Boundary)),
    ]
}
