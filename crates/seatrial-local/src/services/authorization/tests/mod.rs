//! What the door lets through, and for whom.

mod keys;
mod resources;

use serde_json::{Value, json};

use crate::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::services::sts;
use crate::tests::{ACCOUNT, call, cloud_in};

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000000:root", "Service": ["codebuild.amazonaws.com"]},
    "Action": "sts:AssumeRole"}]}"#;

/// A role that people of the account and CodeBuild may assume, with these statements.
async fn role(cloud: &Cloud, statements: &str) -> String {
    let input = json!({"RoleName": "build", "AssumeRolePolicyDocument": TRUST});
    call(cloud, "iam:CreateRole", input).await.unwrap();
    let document = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    let input = json!({"RoleName": "build", "PolicyName": "inline", "PolicyDocument": document});
    call(cloud, "iam:PutRolePolicy", input).await.unwrap();
    format!("arn:aws:iam::{ACCOUNT}:role/build")
}

async fn session(cloud: &Cloud, role: &str) -> Principal {
    sts::assume_role(cloud, ("codebuild.amazonaws.com", None), role, "s").await.unwrap().principal
}

async fn call_as(
    cloud: &Cloud,
    principal: &Principal,
    operation: &str,
    input: Value,
) -> Result<Value, ServiceError> {
    let (service, name) = operation.split_once(':').unwrap();
    cloud.dispatch(principal, (service, name), input).await
}

#[tokio::test]
async fn a_role_may_what_its_statements_allow_and_is_told_in_awss_words_what_not() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let logs = format!("arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:build");
    let role = role(
        &cloud,
        &format!(r#"{{"Sid": "Logs", "Effect": "Allow", "Action": "logs:CreateLogStream", "Resource": "{logs}:*"}}"#),
    )
    .await;
    call(&cloud, "logs:CreateLogGroup", json!({"logGroupName": "build"})).await.unwrap();
    call(&cloud, "logs:CreateLogGroup", json!({"logGroupName": "other"})).await.unwrap();
    let session = session(&cloud, &role).await;
    let stream = |group: &str| json!({"logGroupName": group, "logStreamName": "one"});

    call_as(&cloud, &session, "logs:CreateLogStream", stream("build")).await.unwrap();
    let denied = call_as(&cloud, &session, "logs:CreateLogStream", stream("other")).await.unwrap_err();

    assert_eq!(denied.code, "AccessDeniedException");
    let (action, other) = ("logs:CreateLogStream", logs.replace(":build", ":other"));
    let words = format!(
        "User: arn:aws:sts::{ACCOUNT}:assumed-role/build/s is not authorized to perform: {action} on resource: {other}"
    );
    assert!(denied.message.starts_with(&words), "{}", denied.message);
    assert!(
        denied.message.ends_with("because no identity-based policy allows the logs:CreateLogStream action")
    );
    let uses = cloud.journal().uses();
    let of_role: Vec<_> = uses.iter().filter(|used| used.principal == role).collect();
    let counts: Vec<_> =
        of_role.iter().map(|used| (used.action.as_str(), used.allowed, used.denied)).collect();
    assert_eq!(counts, [(action, 1, 0), (action, 0, 1)]);
    assert_eq!(of_role[0].statement.as_ref().unwrap().sid.as_deref(), Some("Logs"));
}

#[tokio::test]
async fn an_upload_with_a_list_of_access_needs_a_second_permission() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let put = r#"{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*"}"#;
    let role = role(&cloud, put).await;
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "bucket"})).await.unwrap();
    let session = session(&cloud, &role).await;
    let object = |acl: Value| json!({"Bucket": "bucket", "Key": "k", "ACL": acl, "Body": ""});

    call_as(&cloud, &session, "s3:PutObject", object(Value::Null)).await.unwrap();
    let with_list = object(json!("bucket-owner-full-control"));
    let denied = call_as(&cloud, &session, "s3:PutObject", with_list).await.unwrap_err();

    assert_eq!((denied.code.as_str(), denied.status), ("AccessDenied", 403));
    let words =
        "is not authorized to perform: s3:PutObjectAcl on resource: \"arn:aws:s3:::bucket/k\" because no";
    assert!(denied.message.contains(words), "{}", denied.message);
}

#[tokio::test]
async fn a_bucket_that_denies_binds_the_operator_too() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "bucket"})).await.unwrap();
    let denying = |condition: &str| {
        let text = format!(
            r#"{{"Statement": {{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::bucket/*", "Condition": {{"Bool": {{"aws:SecureTransport": "{condition}"}}}}}}}}"#
        );
        json!({"Bucket": "bucket", "Policy": text})
    };
    let object = || json!({"Bucket": "bucket", "Key": "k", "Body": ""});

    call(&cloud, "s3:PutBucketPolicy", denying("false")).await.unwrap();
    call(&cloud, "s3:PutObject", object()).await.unwrap();
    call(&cloud, "s3:PutBucketPolicy", denying("true")).await.unwrap();
    let denied = call(&cloud, "s3:PutObject", object()).await.unwrap_err();

    assert!(
        denied.message.ends_with("with an explicit deny in a resource-based policy"),
        "{}",
        denied.message
    );
}

#[tokio::test]
async fn a_session_may_no_more_than_its_session_policy() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let role = role(&cloud, r#"{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}"#).await;
    let policy = r#"{"Statement": {"Effect": "Allow", "Action": "logs:Describe*", "Resource": "*"}}"#;
    let input = json!({"RoleArn": role, "RoleSessionName": "s", "Policy": policy});
    let assumed = call(&cloud, "sts:AssumeRole", input).await.unwrap();
    let store = cloud.part::<crate::credentials::CredentialStore>();
    let session = store.lookup(assumed["Credentials"]["AccessKeyId"].as_str().unwrap()).unwrap().principal;

    call_as(&cloud, &session, "logs:DescribeLogGroups", json!({})).await.unwrap();
    let group = json!({"logGroupName": "build"});
    let denied = call_as(&cloud, &session, "logs:CreateLogGroup", group).await.unwrap_err();

    assert!(denied.message.ends_with("because no session policy allows the logs:CreateLogGroup action"));
}

#[tokio::test]
async fn what_is_handed_on_is_judged_with_the_service_that_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let pass = format!(
        r#"{{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}}, {{"Effect": "Allow",
        "Action": "iam:PassRole", "Resource": "arn:aws:iam::{ACCOUNT}:role/execution",
        "Condition": {{"StringEquals": {{"iam:PassedToService": "ecs-tasks.amazonaws.com"}}}}}}"#
    );
    let role = role(&cloud, &pass).await;
    let session = session(&cloud, &role).await;
    let definition = |role: &str| {
        json!({"family": "app", "executionRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
            "containerDefinitions": [{"name": "app", "image": "x"}]})
    };

    call_as(&cloud, &session, "ecs:RegisterTaskDefinition", definition("execution")).await.unwrap();
    let other =
        call_as(&cloud, &session, "ecs:RegisterTaskDefinition", definition("other")).await.unwrap_err();

    assert!(
        other.message.contains("iam:PassRole on resource: arn:aws:iam::000000000000:role/other"),
        "{other}"
    );
}

async fn may_assume(trusted: &str, principal: &Principal) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let trust = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{{trusted}}},
        "Action": "sts:AssumeRole"}}]}}"#
    );
    let input = json!({"RoleName": "build", "AssumeRolePolicyDocument": trust});
    call(&cloud, "iam:CreateRole", input).await.unwrap();
    let input = json!({"RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/build"), "RoleSessionName": "s"});
    call_as(&cloud, principal, "sts:AssumeRole", input).await.is_ok()
}

#[tokio::test]
async fn only_the_trusted_service_may_assume_the_role() {
    let trusted = r#""Service": ["codebuild.amazonaws.com"]"#;

    assert!(may_assume(trusted, &Principal::service("codebuild.amazonaws.com", ACCOUNT)).await);
    assert!(!may_assume(trusted, &Principal::service("ecs-tasks.amazonaws.com", ACCOUNT)).await);
    assert!(!may_assume(trusted, &Principal::operator(ACCOUNT)).await);
}

#[tokio::test]
async fn the_account_s_root_stands_for_everybody_in_it_who_may_assume_roles() {
    let trusted = r#""AWS": "arn:aws:iam::000000000000:root""#;

    assert!(may_assume(trusted, &Principal::operator(ACCOUNT)).await);
    assert!(!may_assume(trusted, &Principal::service("codebuild.amazonaws.com", ACCOUNT)).await);
    let nobody = Principal::assumed_role("arn:aws:iam::000000000000:role/none", "s", ACCOUNT);
    assert!(!may_assume(trusted, &nobody).await);
}
