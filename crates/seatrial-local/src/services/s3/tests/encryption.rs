//! Objects under a key of KMS, with AWS's recorded answers as expectation (LocalStack's snapshots, tests/aws/services/s3).

use serde_json::{Value, json};

use crate::Cloud;
use crate::tests::{ACCOUNT, call, cloud_in};

async fn key(cloud: &Cloud) -> String {
    let made = call(cloud, "kms:CreateKey", json!({})).await.unwrap();
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

fn object(members: Value) -> Value {
    let mut input = json!({"Bucket": "store", "Key": "k"});
    input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    input
}

/// With `aws:kms` and that key.
fn under(key: &str, members: Value) -> Value {
    let mut input = object(members);
    input["ServerSideEncryption"] = json!("aws:kms");
    input["SSEKMSKeyId"] = json!(key);
    input
}

/// Encryption, key and bucket key, as they are answered.
fn shown(answer: &Value) -> [&Value; 3] {
    [&answer["ServerSideEncryption"], &answer["SSEKMSKeyId"], &answer["BucketKeyEnabled"]]
}

async fn by_default(cloud: &Cloud, rule: Value) -> Result<Value, crate::error::ServiceError> {
    let input = json!({"Bucket": "store", "ServerSideEncryptionConfiguration": {"Rules": rule}});
    call(cloud, "s3:PutBucketEncryption", input).await
}

#[tokio::test]
async fn a_key_that_s3_cannot_use_is_refused_as_it_was_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    call(&cloud, "s3:PutObject", object(json!({"Key": "from", "Body": "b25l"}))).await.unwrap();
    let uuid = "134f2428-cec1-4b25-a1ae-9048164dba47";
    let arn = |region: &str| format!("arn:aws:kms:{region}:{ACCOUNT}:key/{uuid}");
    let missing = format!("Key '{}' does not exist", arn("eu-central-1"));
    let fake = "Invalid keyId 'fake-key-id'".to_owned();
    let body = json!({"Body": "b25l"});
    // All of `test_s3_sse_validate_kms_key`.
    for (operation, input, words) in [
        ("s3:PutObject", under("fake-key-id", body.clone()), &fake),
        ("s3:PutObject", under(uuid, body.clone()), &missing),
        ("s3:PutObject", under(&arn("eu-central-1"), body.clone()), &missing),
        ("s3:PutObject", under(&arn("us-east-1"), body.clone()), &"Invalid arn us-east-1".to_owned()),
        ("s3:CreateMultipartUpload", under("fake-key-id", json!({})), &fake),
        ("s3:CopyObject", under("fake-key-id", json!({"CopySource": "store/from"})), &fake),
    ] {
        let error = call(&cloud, operation, input.clone()).await.unwrap_err();
        assert_eq!((error.code.as_str(), &error.message), ("KMS.NotFoundException", words), "{input}");
    }
    // `test_s3_sse_validate_kms_key_state`
    let key = key(&cloud).await;
    let put = call(&cloud, "s3:PutObject", under(&key, body.clone())).await.unwrap();
    assert_eq!(shown(&put), [&json!("aws:kms"), &json!(key), &Value::Null]);
    let got = call(&cloud, "s3:GetObject", object(json!({}))).await.unwrap();
    assert_eq!((shown(&got), &got["Body"]), ([&json!("aws:kms"), &json!(key), &Value::Null], &json!("b25l")));
    call(&cloud, "kms:DisableKey", json!({"KeyId": key})).await.unwrap();
    for (operation, input) in [("s3:GetObject", object(json!({}))), ("s3:PutObject", under(&key, body))] {
        let error = call(&cloud, operation, input).await.unwrap_err();
        assert_eq!(error.to_string(), format!("KMS.DisabledException: {key} is disabled."));
    }
    call(&cloud, "kms:ScheduleKeyDeletion", json!({"KeyId": key})).await.unwrap();
    let error = call(&cloud, "s3:GetObject", object(json!({}))).await.unwrap_err();
    assert_eq!(error.to_string(), format!("KMS.KMSInvalidStateException: {key} is pending deletion."));
}

#[tokio::test]
async fn a_buckets_key_encrypts_what_comes_after_it_as_it_was_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    let key = key(&cloud).await;
    let none = [&json!("AES256"), &Value::Null, &Value::Null];
    let put = async |name: &str, members: Value| {
        let mut input = object(members);
        input["Key"] = json!(name);
        input["Body"] = json!("b25l");
        call(&cloud, "s3:PutObject", input).await.unwrap()
    };
    let get = async |name: &str| call(&cloud, "s3:GetObject", object(json!({"Key": name}))).await.unwrap();
    // `test_s3_sse_bucket_key_default`
    assert_eq!(shown(&put("old", json!({})).await), none);
    let default = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key});
    let rule = json!([{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": true}]);
    by_default(&cloud, rule).await.unwrap();
    assert_eq!(shown(&get("old").await), none);
    let with_bucket_key = [&json!("aws:kms"), &json!(key), &json!(true)];
    assert_eq!(shown(&put("new", json!({})).await), with_bucket_key);
    assert_eq!(shown(&get("new").await), with_bucket_key);
    assert_eq!(shown(&put("own", json!({"ServerSideEncryption": "AES256"})).await), none);
    // `test_s3_multipart_upload_sse`
    let begun = call(&cloud, "s3:CreateMultipartUpload", object(json!({"Key": "m"}))).await.unwrap();
    let part = object(json!({"Key": "m", "UploadId": begun["UploadId"], "PartNumber": 1, "Body": "b25l"}));
    let part = call(&cloud, "s3:UploadPart", part).await.unwrap();
    let parts = json!({"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]});
    let whole = object(json!({"Key": "m", "UploadId": begun["UploadId"], "MultipartUpload": parts}));
    let whole = call(&cloud, "s3:CompleteMultipartUpload", whole).await.unwrap();
    for answer in [&begun, &part, &whole, &get("m").await] {
        assert_eq!(shown(answer), with_bucket_key);
    }
    // `test_copy_object_kms`
    let copy = object(json!({"Key": "copy", "CopySource": "store/old"}));
    assert_eq!(shown(&call(&cloud, "s3:CopyObject", copy).await.unwrap()), with_bucket_key);
    assert_eq!(shown(&get("copy").await), with_bucket_key);
    // `test_s3_bucket_encryption_sse_kms`: the bucket key is turned off
    let default = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key});
    by_default(&cloud, json!([{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": false}]))
        .await
        .unwrap();
    assert_eq!(shown(&put("off", json!({})).await), [&json!("aws:kms"), &json!(key), &Value::Null]);
    // `test_s3_bucket_encryption_sse_kms_aws_managed_key`
    by_default(&cloud, json!([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]))
        .await
        .unwrap();
    let managed = call(&cloud, "kms:DescribeKey", json!({"KeyId": "alias/aws/s3"})).await.unwrap();
    let managed = &managed["KeyMetadata"];
    assert_eq!(put("managed", json!({})).await["SSEKMSKeyId"], managed["Arn"]);
    assert_eq!(
        (&managed["KeyManager"], &managed["Description"]),
        (&json!("AWS"), &json!("Default key that protects my S3 objects when no other key is defined"))
    );
}

/// `test_s3_default_bucket_encryption_exc`
#[tokio::test]
async fn a_buckets_encryption_is_one_rule_that_fits() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    call(&cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}});
    let malformed =
        "The XML you provided was not well-formed or did not validate against our published schema";
    let keyed =
        json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}});
    let not_applicable =
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
    for (rules, code, words) in [
        (json!([]), "MalformedXML", malformed),
        (json!([rule, rule]), "MalformedXML", malformed),
        (json!([keyed]), "InvalidArgument", not_applicable),
    ] {
        let error = by_default(&cloud, rules.clone()).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.message.as_str()), (code, words), "{rules}");
    }
    by_default(&cloud, json!([rule])).await.unwrap();
}
