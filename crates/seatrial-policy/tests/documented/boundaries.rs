//! Permissions boundaries.

use seatrial_policy::{Layer, PolicyKind};

use crate::case::Outcome::{Denied, NotAllowed};
use crate::case::{Case, case, policy};

const PAGE: &str = "access_policies_boundaries.html";
/// The page's boundary of Shirley Rodriguez.
const S3_CLOUDWATCH_EC2: &str =
    r#"{"Effect":"Allow","Action":["s3:*","cloudwatch:*","ec2:*"],"Resource":"*"}"#;
const CREATE_USER: &str = r#"{"Effect":"Allow","Action":"iam:CreateUser","Resource":"*"}"#;
const LIST: &str = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}"#;

pub fn cases() -> Vec<Case> {
    let boundary = policy(S3_CLOUDWATCH_EC2);
    let deny = policy(&format!(
        r#"{S3_CLOUDWATCH_EC2},{{"Effect":"Deny","Action":"s3:ListBucket","Resource":"*"}}"#
    ));
    let granting = |principal: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sqs:SendMessage",
                "Resource":"*"}}"#
        ))
    };
    let queue = "arn:aws:sqs:us-east-1:111122223333:q";
    vec![
        case(PAGE, "a boundary that lacks iam:CreateUser: Shirley's operation fails")
            .identity(&policy(CREATE_USER))
            .boundary(&boundary)
            .asks("iam:CreateUser", "*")
            .is(NotAllowed(Layer::Boundary)),
        case(PAGE, "a boundary by itself does not grant permissions")
            .boundary(&boundary)
            .asks("s3:ListBucket", "arn:aws:s3:::b")
            .is(NotAllowed(Layer::Identity)),
        case(PAGE, "allowed by both")
            .identity(&policy(LIST))
            .boundary(&boundary)
            .asks("s3:ListBucket", "arn:aws:s3:::b"),
        case(PAGE, "an explicit deny in the boundary overrides the allow")
            .identity(&policy(LIST))
            .boundary(&deny)
            .asks("s3:ListBucket", "arn:aws:s3:::b")
            .is(Denied(Layer::Boundary)),
        case(PAGE, "a resource's policy that names the user is not limited by the boundary's implicit deny")
            .boundary(&boundary)
            .of_resource(PolicyKind::Resource, &granting("arn:aws:iam::111122223333:user/alice"))
            .asks("sqs:SendMessage", queue),
        case(PAGE, "a resource's policy that names the role is limited by the boundary")
            .boundary(&boundary)
            .of_resource(PolicyKind::Resource, &granting("arn:aws:iam::111122223333:role/app"))
            .role("app", "s")
            .asks("sqs:SendMessage", queue)
            .is(NotAllowed(Layer::Boundary)),
        case(PAGE, "a resource's policy that names the session is not limited by the boundary")
            .boundary(&boundary)
            .of_resource(PolicyKind::Resource, &granting("arn:aws:sts::111122223333:assumed-role/app/s"))
            .role("app", "s")
            .asks("sqs:SendMessage", queue),
        case(PAGE, "an explicit deny in the boundary limits what the resource's policy grants to the user")
            .boundary(&policy(r#"{"Effect":"Deny","Action":"sqs:*","Resource":"*"}"#))
            .of_resource(PolicyKind::Resource, &granting("arn:aws:iam::111122223333:user/alice"))
            .asks("sqs:SendMessage", queue)
            .is(Denied(Layer::Boundary)),
    ]
}
