//! What AWS refuses, by service: names, sizes, tokens, other people's registries.

use serde_json::{Value, json};

use super::{call, cloud_in};

#[tokio::test]
async fn what_aws_refuses_is_refused_with_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    call(&cloud, "ecr:CreateRepository", json!({"repositoryName": "app"})).await.unwrap();
    let secret = json!({"Name": "db", "SecretString": "1", "ClientRequestToken": "t".repeat(32)});
    call(&cloud, "secretsmanager:CreateSecret", secret).await.unwrap();
    let image = json!({"name": "app", "image": "app", "memory": 128, "command": ["x".repeat(65_536)]});
    let long = "k".repeat(1025);
    let other = json!({"SecretId": "db", "SecretString": "2", "ClientRequestToken": "t".repeat(32)});
    let rows: Vec<(&str, Value, &str)> = vec![
        ("ecs:CreateCluster", json!({"clusterName": "c".repeat(300)}), "InvalidParameterException"),
        ("ecs:CreateCluster", json!({"clusterName": "../x"}), "InvalidParameterException"),
        ("ecs:CreateCluster", json!({"capacityProviders": ["mine"]}), "InvalidParameterException"),
        (
            "ecs:RegisterTaskDefinition",
            json!({"family": "f", "containerDefinitions": [image]}),
            "ClientException",
        ),
        ("s3:CreateBucket", json!({"Bucket": "192.168.0.1"}), "InvalidBucketName"),
        ("s3:CreateBucket", json!({"Bucket": "xn--store"}), "InvalidBucketName"),
        ("s3:CreateBucket", json!({"Bucket": "store-s3alias"}), "InvalidBucketName"),
        ("s3:PutObject", json!({"Bucket": "store", "Key": long, "Body": ""}), "KeyTooLongError"),
        ("s3:CreateMultipartUpload", json!({"Bucket": "store", "Key": long}), "KeyTooLongError"),
        ("s3:PutBucketTagging", json!({"Bucket": "store", "ExpectedBucketOwner": "1"}), "AccessDenied"),
        (
            "ecr:ListImages",
            json!({"repositoryName": "app", "registryId": "1"}),
            "RepositoryNotFoundException",
        ),
        ("secretsmanager:PutSecretValue", other.clone(), "ResourceExistsException"),
        ("secretsmanager:UpdateSecret", other, "ResourceExistsException"),
        ("secretsmanager:CreateSecret", json!({"Name": "Inv *Name?"}), "ValidationException"),
    ];
    for (operation, input, code) in rows {
        let shown = input.to_string().chars().take(80).collect::<String>();
        match call(&cloud, operation, input).await {
            Ok(answer) => panic!("{operation} {shown}: {answer}"),
            Err(error) => assert_eq!(error.code, code, "{operation} {shown}: {error}"),
        }
    }
}

#[tokio::test]
async fn stages_of_a_secret_move_as_they_were_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let secret = json!({"Name": "db", "SecretString": "v0", "Description": "The Database", "Tags": [{"Key": "team", "Value": "web"}]});
    call(&cloud, "secretsmanager:CreateSecret", secret).await.unwrap();
    let put = async |value: &str, stages: Value| {
        let input = json!({"SecretId": "db", "SecretString": value, "VersionStages": stages});
        call(&cloud, "secretsmanager:PutSecretValue", input).await.unwrap()["VersionStages"].clone()
    };
    let current = async || {
        call(&cloud, "secretsmanager:GetSecretValue", json!({"SecretId": "db"})).await.unwrap()["SecretString"].clone()
    };
    // test_put_secret_value_with_version_stages
    assert_eq!(
        put("v1", json!(["SAMPLESTAGE1", "SAMPLESTAGE0"])).await,
        json!(["SAMPLESTAGE0", "SAMPLESTAGE1"])
    );
    assert_eq!(current().await, "v0");
    assert_eq!(put("v2", json!(["AWSPENDING"])).await, json!(["AWSPENDING"]));
    assert_eq!(current().await, "v0");
    assert_eq!(put("v3", json!(["AWSCURRENT"])).await, json!(["AWSCURRENT"]));
    assert_eq!(current().await, "v3");
    // test_get_secret_value_errors
    let pending = json!({"SecretId": "db", "VersionStage": "AWSPENDING"});
    let version = call(&cloud, "secretsmanager:GetSecretValue", pending).await.unwrap()["VersionId"].clone();
    let mixed = json!({"SecretId": "db", "VersionStage": "AWSCURRENT", "VersionId": version});
    let refused = call(&cloud, "secretsmanager:GetSecretValue", mixed).await.unwrap_err();
    assert_eq!(refused.code, "InvalidRequestException");
    assert!(refused.message.starts_with("You provided a VersionStage that is not associated"), "{refused}");
    // A call that is repeated is answered the same and changes nothing.
    let again = json!({"SecretId": "db", "SecretString": "v4", "ClientRequestToken": "t".repeat(32)});
    let first = call(&cloud, "secretsmanager:PutSecretValue", again.clone()).await.unwrap();
    assert_eq!(call(&cloud, "secretsmanager:PutSecretValue", again).await.unwrap(), first);

    for (key, value, found) in [
        ("name", "d", 1),
        ("name", "D", 0),
        ("name", "!d", 0),
        ("description", "the d", 1),
        ("tag-key", "te", 1),
        ("tag-value", "web", 1),
        ("tag-value", "!web", 0),
        ("all", "nothing DATABASE", 1),
        ("all", "nothing", 0),
    ] {
        let filter = json!({"Filters": [{"Key": key, "Values": [value]}]});
        let listed = call(&cloud, "secretsmanager:ListSecrets", filter).await.unwrap();
        assert_eq!(listed["SecretList"].as_array().unwrap().len(), found, "{key} {value}");
    }
    // AWS says nothing of a secret that is not there.
    let missing = json!({"SecretId": "none", "ForceDeleteWithoutRecovery": true});
    assert_eq!(call(&cloud, "secretsmanager:DeleteSecret", missing).await.unwrap()["Name"], "none");
}

#[tokio::test]
async fn what_is_given_is_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    // Recorded: `test_create_log_group_with_kms_key`.
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}},
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"Service": "logs.eu-central-1.amazonaws.com"}},
    ]});
    let key = call(&cloud, "kms:CreateKey", json!({"Policy": policy.to_string()})).await.unwrap();
    let group = json!({"logGroupName": "/app", "kmsKeyId": key["KeyMetadata"]["Arn"]});
    call(&cloud, "logs:CreateLogGroup", group.clone()).await.unwrap();
    let groups = call(&cloud, "logs:DescribeLogGroups", json!({})).await.unwrap();
    assert_eq!(groups["logGroups"][0]["kmsKeyId"], group["kmsKeyId"]);
}
