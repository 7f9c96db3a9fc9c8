//! Small workflows with AWS's recorded answers as expectation, errors first: LocalStack's snapshots of its tests, which were
//! validated on AWS (localstack/localstack, tests/aws/services, Apache-2.0). Each row names its recording.

use serde_json::{Value, json};

use super::{call, cloud_in};
use crate::Cloud;

/// Recording, operation, input, and the code and the words that AWS answered; no code: it was done.
type Row = (&'static str, &'static str, Value, &'static str, &'static str);

async fn compare(cloud: &Cloud, rows: Vec<Row>) {
    let mut different = Vec::new();
    for (recording, operation, input, code, words) in rows {
        let found = match call(cloud, operation, input).await {
            Ok(_) => (String::new(), String::new()),
            Err(error) => (error.code, error.message),
        };
        if (found.0.as_str(), found.1.as_str()) != (code, words) {
            different.push(format!(
                "{recording} {operation}:\n  AWS  {code}: {words}\n  here {}: {}",
                found.0, found.1
            ));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

const NO_GROUP: &str = "The specified log group does not exist.";
const NO_STREAM: &str = "The specified log stream does not exist.";

#[tokio::test]
async fn logs() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let group = json!({"logGroupName": "g"});
    let stream = json!({"logGroupName": "g", "logStreamName": "s"});
    let missing = json!({"logGroupName": "g", "logStreamName": "none"});
    let now = (cloud.clock().now().0 * 1000.0) as i64;
    let events = |group: &str, stream: &str, times: [i64; 2]| {
        let events = times.map(|time| json!({"timestamp": time, "message": "m"}));
        json!({"logGroupName": group, "logStreamName": stream, "logEvents": events})
    };
    let (none, exists) = ("ResourceNotFoundException", "ResourceAlreadyExistsException");
    let invalid = "InvalidParameterException";
    let rows: Vec<Row> = vec![
        ("test_create_and_delete_log_group", "logs:CreateLogGroup", group.clone(), "", ""),
        (
            "test_create_log_group_duplicate_error",
            "logs:CreateLogGroup",
            group.clone(),
            exists,
            "The specified log group already exists",
        ),
        ("test_create_and_delete_log_stream", "logs:CreateLogStream", stream.clone(), "", ""),
        (
            "test_create_log_stream_duplicate_error",
            "logs:CreateLogStream",
            stream.clone(),
            exists,
            "The specified log stream already exists",
        ),
        (
            "test_put_log_events_to_invalid_stream",
            "logs:PutLogEvents",
            events("g", "none", [now, now]),
            none,
            NO_STREAM,
        ),
        (
            "test_put_log_events_wrong_order",
            "logs:PutLogEvents",
            events("g", "s", [now, now - 10]),
            invalid,
            "Log events in a single PutLogEvents request must be in chronological order.",
        ),
        (
            "test_get_log_events_invalid_token",
            "logs:GetLogEvents",
            json!({"logGroupName": "g", "logStreamName": "s", "nextToken": "invalid"}),
            invalid,
            "The specified nextToken is invalid.",
        ),
        (
            "test_filter_log_events_unknown_token",
            "logs:FilterLogEvents",
            json!({"logGroupName": "g", "nextToken": "unknown"}),
            invalid,
            "The specified nextToken is invalid.",
        ),
        (
            "test_resource_does_not_exist",
            "logs:GetLogEvents",
            json!({"logGroupName": "none", "logStreamName": "s"}),
            none,
            NO_GROUP,
        ),
        ("test_resource_does_not_exist", "logs:GetLogEvents", missing.clone(), none, NO_STREAM),
        ("test_create_and_delete_log_stream", "logs:DeleteLogStream", stream, "", ""),
        ("test_create_and_delete_log_group", "logs:DeleteLogGroup", group, "", ""),
    ];
    compare(&cloud, rows).await;
}

#[tokio::test]
async fn s3() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    call(&cloud, "s3:PutObject", json!({"Bucket": "store", "Key": "a", "Body": "b25l"})).await.unwrap();
    let begun =
        call(&cloud, "s3:CreateMultipartUpload", json!({"Bucket": "store", "Key": "a"})).await.unwrap();
    let at = |key: &str| json!({"Bucket": "store", "Key": key, "UploadId": begun["UploadId"]});
    let with = |mut input: Value, members: Value| {
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        input
    };
    let copy = |source: &str, to: &str| json!({"Bucket": "store", "Key": to, "CopySource": source});
    let no_upload = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                     aborted or completed.";
    let no_bucket = "The specified bucket does not exist";
    let no_key = "The specified key does not exist.";
    let part = json!({"PartNumber": 1, "Body": "b25l"});
    let parts = json!({"MultipartUpload": {"Parts": [{"ETag": "e", "PartNumber": 1}]}});
    let in_place = "This copy request is illegal because it is trying to copy an object to itself without changing \
                    the object's metadata, storage class, website redirect location or encryption attributes.";
    let key_validation = "test_multipart_key_validation";
    let rows: Vec<Row> = vec![
        (key_validation, "s3:UploadPart", with(at("wrong"), part), "NoSuchUpload", no_upload),
        (key_validation, "s3:CompleteMultipartUpload", with(at("wrong"), parts), "NoSuchUpload", no_upload),
        (key_validation, "s3:ListParts", at("wrong"), "NoSuchUpload", no_upload),
        (key_validation, "s3:AbortMultipartUpload", at("wrong"), "NoSuchUpload", no_upload),
        (
            "test_s3_copy_object_src_not_exists",
            "s3:CopyObject",
            copy("none/a", "b"),
            "NoSuchBucket",
            no_bucket,
        ),
        ("test_s3_copy_object_src_not_exists", "s3:CopyObject", copy("store/none", "b"), "NoSuchKey", no_key),
        (
            "test_s3_copy_object_wrong_format",
            "s3:CopyObject",
            copy("wrongformat", "b"),
            "InvalidArgument",
            "Invalid copy source object key",
        ),
        ("test_s3_copy_object_in_place", "s3:CopyObject", copy("store/a", "a"), "InvalidRequest", in_place),
        (
            "test_delete_bucket_policy",
            "s3:GetBucketPolicy",
            json!({"Bucket": "store"}),
            "NoSuchBucketPolicy",
            "The bucket policy does not exist",
        ),
        (
            "test_delete_bucket_policy_expected_bucket_owner",
            "s3:DeleteBucketPolicy",
            json!({"Bucket": "store", "ExpectedBucketOwner": "111111111111"}),
            "AccessDenied",
            "Access Denied",
        ),
        (
            "test_get_bucket_policy",
            "s3:GetBucketPolicy",
            json!({"Bucket": "none"}),
            "NoSuchBucket",
            no_bucket,
        ),
        (
            "test_range_key_not_exists",
            "s3:GetObject",
            json!({"Bucket": "store", "Key": "none", "Range": "bytes=0-2"}),
            "NoSuchKey",
            no_key,
        ),
    ];
    compare(&cloud, rows).await;
}

#[tokio::test]
async fn secretsmanager() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let (none, gone) = ("ResourceNotFoundException", "InvalidRequestException");
    let id = json!({"SecretId": "db"});
    let marked = "You can't perform this operation on the secret because it was marked for deletion.";
    let missing = "Secrets Manager can't find the specified secret.";
    let create = json!({"Name": "db", "SecretString": "1"});
    let tags = json!({"SecretId": "db", "Tags": [{"Key": "a", "Value": "b"}]});
    let untag = json!({"SecretId": "db", "TagKeys": ["a"]});
    let previous = json!({"SecretId": "db", "VersionStage": "AWSPREVIOUS"});
    let errors = "test_get_secret_value_errors";
    let rows: Vec<Row> = vec![
        ("test_secret_not_found", "secretsmanager:GetSecretValue", id.clone(), none, missing),
        ("test_secret_exists_snapshots", "secretsmanager:CreateSecret", create.clone(), "", ""),
        (
            "test_secret_exists_snapshots",
            "secretsmanager:CreateSecret",
            create.clone(),
            "ResourceExistsException",
            "The operation failed because the secret db already exists.",
        ),
        (
            errors,
            "secretsmanager:GetSecretValue",
            previous,
            none,
            "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
        ),
        ("test_force_delete_deleted_secret", "secretsmanager:DeleteSecret", id.clone(), "", ""),
        ("test_tag_untag_resource_on_deleted_secret", "secretsmanager:TagResource", tags, gone, marked),
        ("test_tag_untag_resource_on_deleted_secret", "secretsmanager:UntagResource", untag, gone, marked),
        (
            "test_exp_raised_on_creation_of_secret_scheduled_for_deletion",
            "secretsmanager:CreateSecret",
            create,
            gone,
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ),
        (
            "test_force_delete_deleted_secret",
            "secretsmanager:DeleteSecret",
            json!({"SecretId": "db", "ForceDeleteWithoutRecovery": true}),
            "",
            "",
        ),
        ("test_force_delete_deleted_secret", "secretsmanager:DescribeSecret", id, none, missing),
    ];
    compare(&cloud, rows).await;
}

#[tokio::test]
async fn identity() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    crate::services::iam::add_trusting_role(&cloud, "build");
    let assume = |arn: &str| json!({"RoleArn": arn, "RoleSessionName": "s"});
    let attach = |arn: &str| json!({"RoleName": "build", "PolicyArn": arn});
    let trust = json!({"RoleName": "r", "AssumeRolePolicyDocument": "{\"a\""});
    let unparsed = "Invalid ARN:  Could not be parsed!";
    let invalid = "test_sts_invalid_parameters";
    let mut rows: Vec<Row> = vec![
        (
            invalid,
            "sts:AssumeRole",
            assume("nothing-valid-in-here"),
            "ValidationError",
            "nothing-valid-in-here is invalid",
        ),
        (
            invalid,
            "sts:AssumeRole",
            assume("arn::b:::something/test-role"),
            "ValidationError",
            "arn::b:::something/test-role is invalid",
        ),
        (
            invalid,
            "sts:AssumeRole",
            assume("arn:a::::something/test-role"),
            "ValidationError",
            "arn:a::::something/test-role is invalid",
        ),
        (
            invalid,
            "sts:AssumeRole",
            assume("arn:a:::something/test-role"),
            "ValidationError",
            "arn:a:::something/test-role is invalid",
        ),
        (
            invalid,
            "sts:AssumeRole",
            assume("arn:a:a::aaaaaaaaaa:"),
            "ValidationError",
            "arn:a:a::aaaaaaaaaa: is invalid",
        ),
        (
            "test_create_role_with_malformed_assume_role_policy_document",
            "iam:CreateRole",
            trust,
            "MalformedPolicyDocument",
            "This policy contains invalid Json",
        ),
        (
            "test_role_attach_policy",
            "iam:AttachRolePolicy",
            attach("longpolicynamebutnoarn"),
            "ValidationError",
            unparsed,
        ),
    ];
    for (service, words) in [
        ("ecs.amazonaws.com", "Custom suffix is not allowed for ecs.amazonaws.com"),
        (
            "elasticloadbalancing.amazonaws.com",
            "Custom suffix is not allowed for elasticloadbalancing.amazonaws.com",
        ),
        ("rds.amazonaws.com", "Custom suffix is not allowed for rds.amazonaws.com"),
    ] {
        let input = json!({"AWSServiceName": service, "CustomSuffix": "suffix"});
        let recording = "test_service_role_lifecycle_custom_suffix_not_allowed";
        rows.push((recording, "iam:CreateServiceLinkedRole", input, "InvalidInput", words));
    }
    compare(&cloud, rows).await;
}
