//! Example policies of the guides, those first that this project's roles are like.

use seatrial_policy::{Layer, PolicyKind};

use crate::case::Outcome::{Allowed, Denied, NotAllowed};
use crate::case::{Case, Outcome, case, policy};

const PASS: &str = "id_roles_use_passrole.html";
const DATES: &str = "reference_policies_examples_aws-dates.html";
const REGION: &str = "reference_policies_examples_aws_deny-requested-region.html";
const IP: &str = "reference_policies_examples_aws_deny-ip.html";
const TAGS: &str = "reference_policies_examples_ec2_tag-owner.html";
const TLS: &str = "AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-HTTP-HTTPS";
const ACL: &str = "AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-acl-2";
const ECR: &str = "AmazonECR/latest/userguide/repository-policy-examples.html";
const NO: Outcome = NotAllowed(Layer::Identity);

pub fn cases() -> Vec<Case> {
    [roles(), circumstances(), of_resources()].into_iter().flatten().collect()
}

fn roles() -> Vec<Case> {
    let pass = policy(
        r#"{"Effect":"Allow","Action":"iam:PassRole",
            "Resource":"arn:aws:iam::111122223333:role/EC2-roles-for-XYZ-*",
        "Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}"#,
    );
    let ask = |claim, role: &str, service: &str, outcome| {
        let asked = case(PASS, claim)
            .identity(&pass)
            .asks("iam:PassRole", &format!("arn:aws:iam::111122223333:role/{role}"));
        asked.with("iam:PassedToService", &[service]).is(outcome)
    };
    vec![
        ask("a role of that name, to that service", "EC2-roles-for-XYZ-1", "ec2.amazonaws.com", Allowed),
        ask("a role of that name, to another service", "EC2-roles-for-XYZ-1", "ecs-tasks.amazonaws.com", NO),
        ask("another role", "Admin", "ec2.amazonaws.com", NO),
    ]
}

fn circumstances() -> Vec<Case> {
    let dates = policy(
        r#"{"Effect":"Allow","Action":"service-prefix:action-name","Resource":"*","Condition":{
        "DateGreaterThan":{"aws:CurrentTime":"2020-04-01T00:00:00Z"},
            "DateLessThan":{"aws:CurrentTime":"2020-06-30T23:59:59Z"}}}"#,
    );
    let region = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"DenyAllOutsideRequestedRegions",
            "Effect":"Deny",
        "NotAction":["cloudfront:*","iam:*","organizations:*","route53:*","support:*"],"Resource":"*",
        "Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1","eu-west-1"]}}}"#,
    );
    let ip = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*",
            "Condition":{
        "NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.0/24"]},
            "Bool":{"aws:ViaAWSService":"false"}}}"#,
    );
    let owner = policy(
        r#"{"Effect":"Allow","Action":["ec2:StartInstances","ec2:StopInstances"],
            "Resource":"arn:aws:ec2:*:*:instance/*",
        "Condition":{"StringEquals":{"aws:ResourceTag/Owner":"${aws:username}"}}}"#,
    );
    let at = |claim, time: &str, outcome| {
        let asked = case(DATES, claim).identity(&dates).asks("service-prefix:action-name", "*");
        asked.with("aws:CurrentTime", &[time]).is(outcome)
    };
    let within = |claim, action: &str, region_name: &str, outcome| {
        case(REGION, claim)
            .identity(&region)
            .asks(action, "*")
            .with("aws:RequestedRegion", &[region_name])
            .is(outcome)
    };
    let from = |claim, address: &str, by_service: &str, outcome| {
        let asked =
            case(IP, claim).identity(&ip).asks("s3:ListAllMyBuckets", "*").with("aws:SourceIp", &[address]);
        asked.with("aws:ViaAWSService", &[by_service]).is(outcome)
    };
    let start = |claim, tagged: &str, outcome| {
        let instance = "arn:aws:ec2:us-east-1:111122223333:instance/i-1";
        case(TAGS, claim)
            .identity(&owner)
            .asks("ec2:StartInstances", instance)
            .with("aws:ResourceTag/Owner", &[tagged])
            .is(outcome)
    };
    vec![
        at("within the dates", "2020-05-01T00:00:00Z", Allowed),
        at("before the dates", "2020-03-31T23:59:59Z", NO),
        at("after the dates", "2020-07-01T00:00:00Z", NO),
        within("a region of the list", "ecs:ListClusters", "eu-west-1", Allowed),
        within("a region outside of the list", "ecs:ListClusters", "us-west-2", Denied(Layer::Identity)),
        within("global services are excepted", "iam:ListRoles", "us-east-1", Allowed),
        from("an address of the list", "203.0.113.5", "false", Allowed),
        from("another address", "198.51.100.1", "false", Denied(Layer::Identity)),
        from("another address, by a service for the caller", "198.51.100.1", "true", Allowed),
        start("the owner's instance", "alice", Allowed),
        start("another's instance", "bob", NO),
    ]
}

fn of_resources() -> Vec<Case> {
    let tls = policy(
        r#"{"Sid":"RestrictToTLSRequestsOnly","Action":"s3:*","Effect":"Deny",
            "Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],
        "Condition":{"Bool":{"aws:SecureTransport":"false"}},"Principal":"*"}"#,
    );
    let acl = policy(
        r#"{"Sid":"PolicyForAllowUploadWithACL","Effect":"Allow","Principal":{"AWS":"111122223333"},
            "Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::b/*",
            "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}"#,
    );
    let pull = policy(
        r#"{"Sid":"CodeBuildAccess","Effect":"Allow","Principal":{"Service":"codebuild.amazonaws.com"},
        "Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"],"Condition":{
        "ArnLike":{"aws:SourceArn":"arn:aws:codebuild:us-east-1:111122223333:project/*"},
            "StringEquals":{"aws:SourceAccount":"111122223333"}}}"#,
    );
    let all = policy(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
    let plain = |claim, secure: &str, outcome| {
        let asked = case(TLS, claim).identity(&all).of_resource(PolicyKind::Resource, &tls);
        asked.asks("s3:GetObject", "arn:aws:s3:::b/k").with("aws:SecureTransport", &[secure]).is(outcome)
    };
    let put = |claim, granted: &str, outcome| {
        let asked =
            case(ACL, claim).identity(&all).of_resource(PolicyKind::Resource, &acl).owned_by("444455556666");
        asked.asks("s3:PutObject", "arn:aws:s3:::b/k").with("s3:x-amz-acl", &[granted]).is(outcome)
    };
    let build = |claim, account: &str, outcome| {
        let asked =
            case(ECR, claim).of_resource(PolicyKind::Resource, &pull).service("codebuild.amazonaws.com");
        let asked = asked.asks("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:111122223333:repository/r");
        let project = format!("arn:aws:codebuild:us-east-1:{account}:project/p");
        asked.with("aws:SourceArn", &[&project]).with("aws:SourceAccount", &[account]).is(outcome)
    };
    vec![
        plain("requests without TLS are denied", "false", Denied(Layer::Resource)),
        plain("requests with TLS are not", "true", Allowed),
        put(
            "another account uploads, and gives the bucket's owner full control",
            "bucket-owner-full-control",
            Allowed,
        ),
        put("another account uploads with another ACL", "private", NotAllowed(Layer::Resource)),
        build("CodeBuild pulls for a project of the account", "111122223333", Allowed),
        build("CodeBuild pulls for another account's project", "444455556666", NotAllowed(Layer::Resource)),
    ]
}
