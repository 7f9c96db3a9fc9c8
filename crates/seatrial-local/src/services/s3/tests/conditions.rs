//! Conditions of writes, against AWS's recorded answers: LocalStack's snapshots of `test_s3_api.py` (names below) and of
//! `test_s3_preconditions.py`.

use std::sync::Arc;

use super::*;
use crate::error::ServiceError;

/// Makes the call with `more` members and says how it was refused: code, and the header that did not hold.
async fn refused(cloud: &Cloud, operation: &str, key: &str, more: Value) -> String {
    let mut input = json!({"Bucket": "store", "Key": key});
    if operation == "s3:CopyObject" {
        input["CopySource"] = json!("store/source");
    }
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    match call(cloud, operation, input).await {
        Ok(_) => "done".to_owned(),
        Err(ServiceError { code, status, members, .. }) => {
            let member =
                |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            format!("{status} {code} {}{}", member("Condition"), member("Header")).trim_end().to_owned()
        }
    }
}

const NO_MATCH: &str = "412 PreconditionFailed If-Match";
const EXISTS: &str = "412 PreconditionFailed If-None-Match";

/// Operation, key, members, and the recorded refusal. `etag` is the entity tag of the object `there`.
fn recorded(etag: &Value, now: f64) -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let wrong = json!("\"60cd54a928cbbcbb6e7b5595bab46a9e\"");
    let both = json!({"IfMatch": "a", "IfNoneMatch": "*"});
    let copy = |member: &str, value: Value| json!({ member: value });
    vec![
        // test_put_object_if_none_match, _validation, _if_match, _if_match_validation, _and_if_none_match_validation
        ("s3:PutObject", "there", json!({"IfNoneMatch": "*"}), EXISTS),
        ("s3:PutObject", "new", json!({"IfNoneMatch": "*"}), "done"),
        ("s3:PutObject", "there", json!({"IfNoneMatch": wrong}), "501 NotImplemented If-None-Match"),
        ("s3:PutObject", "there", json!({"IfMatch": wrong}), NO_MATCH),
        ("s3:PutObject", "none", json!({"IfMatch": etag}), "404 NoSuchKey"),
        ("s3:PutObject", "there", json!({"IfMatch": "*"}), "501 NotImplemented If-Match"),
        ("s3:PutObject", "there", both.clone(), "501 NotImplemented If-Match,If-None-Match"),
        // test_copy_object_if_none_match, _if_match, _precondition_write_validation, _if_match_in_place
        ("s3:CopyObject", "there", json!({"IfNoneMatch": "*"}), EXISTS),
        ("s3:CopyObject", "there", json!({"IfMatch": wrong}), NO_MATCH),
        ("s3:CopyObject", "none", json!({"IfMatch": wrong}), "404 NoSuchKey"),
        ("s3:CopyObject", "there", json!({"IfNoneMatch": wrong}), "501 NotImplemented If-None-Match"),
        ("s3:CopyObject", "there", json!({"IfMatch": "*"}), "501 NotImplemented If-Match"),
        ("s3:CopyObject", "there", both, "501 NotImplemented If-Match,If-None-Match"),
        ("s3:CopyObject", "source", json!({"IfNoneMatch": "*"}), EXISTS),
        // test_s3_copy_object_preconditions
        (
            "s3:CopyObject",
            "copy",
            copy("CopySourceIfMatch", wrong.clone()),
            "412 PreconditionFailed x-amz-copy-source-If-Match",
        ),
        (
            "s3:CopyObject",
            "copy",
            copy("CopySourceIfUnmodifiedSince", json!(0)),
            "412 PreconditionFailed x-amz-copy-source-If-Unmodified-Since",
        ),
        (
            "s3:CopyObject",
            "copy",
            copy("CopySourceIfNoneMatch", json!("*")),
            "412 PreconditionFailed x-amz-copy-source-If-None-Match",
        ),
        (
            "s3:CopyObject",
            "copy",
            copy("CopySourceIfModifiedSince", json!(now)),
            "412 PreconditionFailed x-amz-copy-source-If-Modified-Since",
        ),
        ("s3:CopyObject", "copy", copy("CopySourceIfModifiedSince", json!(9e9)), "done"),
        // TestS3DeletePrecondition
        ("s3:DeleteObject", "there", json!({"IfMatch": "badvalue"}), NO_MATCH),
        (
            "s3:DeleteObject",
            "there",
            json!({"IfMatchLastModifiedTime": 0}),
            "501 NotImplemented x-amz-if-match-last-modified-time",
        ),
        ("s3:DeleteObject", "there", json!({"IfMatchSize": 3}), "501 NotImplemented x-amz-if-match-size"),
        // What would be left out without a word.
        (
            "s3:PutObject",
            "secret",
            json!({"SSECustomerAlgorithm": "AES256"}),
            "501 NotImplemented x-amz-server-side-encryption-customer-algorithm",
        ),
        (
            "s3:PutObject",
            "cold",
            json!({"StorageClass": "GLACIER"}),
            "501 NotImplemented x-amz-storage-class",
        ),
        ("s3:PutObject", "tags", json!({"Tagging": "a=b"}), "501 NotImplemented x-amz-tagging"),
        ("s3:GetObject", "there", json!({"ExpectedBucketOwner": "111111111111"}), "403 AccessDenied"),
        ("s3:HeadObject", "there", json!({"PartNumber": 1}), "501 NotImplemented partNumber"),
        // The one that held to the end.
        ("s3:DeleteObject", "there", json!({"IfMatch": etag}), "done"),
    ]
}

#[tokio::test]
async fn a_write_is_refused_as_it_was_recorded_on_aws() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    bucket(&cloud, false).await;
    put(&cloud, "source", "b25l").await;
    let etag = put(&cloud, "there", "dHdv").await["ETag"].clone();
    for (operation, key, more, expected) in recorded(&etag, cloud.clock().now().0) {
        assert_eq!(refused(&cloud, operation, key, more.clone()).await, expected, "{operation} {more}");
    }
}

async fn begun(cloud: &Cloud) -> Value {
    let names = json!({"Bucket": "store", "Key": "a"});
    let mut upload = names.clone();
    upload["UploadId"] = call(cloud, "s3:CreateMultipartUpload", names).await.unwrap()["UploadId"].clone();
    let mut part = upload.clone();
    part["PartNumber"] = json!(1);
    part["Body"] = json!("b25l");
    let etag = call(cloud, "s3:UploadPart", part).await.unwrap()["ETag"].clone();
    upload["MultipartUpload"] = json!({"Parts": [{"ETag": etag, "PartNumber": 1}]});
    upload
}

#[tokio::test]
async fn an_upload_is_completed_only_if_it_may_and_once_more_with_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    bucket(&cloud, false).await;
    put(&cloud, "a", "dHdv").await;
    // test_multipart_if_none_match_with_delete
    let upload = begun(&cloud).await;
    let complete = async |upload: &Value, member: &str, value: &str| {
        let mut input = upload.clone();
        input[member] = json!(value);
        refused(&cloud, "s3:CompleteMultipartUpload", "a", input).await
    };
    assert_eq!(complete(&upload, "IfNoneMatch", "*").await, EXISTS);
    call(&cloud, "s3:DeleteObject", json!({"Bucket": "store", "Key": "a"})).await.unwrap();
    assert_eq!(complete(&upload, "IfNoneMatch", "*").await, "409 ConditionalRequestConflict If-None-Match");
    let upload = begun(&cloud).await;
    assert_eq!(complete(&upload, "IfNoneMatch", "*").await, "done");

    let again = call(&cloud, "s3:CompleteMultipartUpload", upload.clone()).await.unwrap();
    let read = call(&cloud, "s3:GetObject", json!({"Bucket": "store", "Key": "a"})).await.unwrap();
    let open = call(&cloud, "s3:ListMultipartUploads", json!({"Bucket": "store"})).await.unwrap();

    assert_eq!((again["ETag"].as_str(), read["Body"].as_str()), (read["ETag"].as_str(), Some("b25l")));
    assert_eq!(open["Uploads"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_may_only_make_an_object_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(cloud_in(dir.path()));
    bucket(&cloud, false).await;
    for round in 0..20 {
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let cloud = Arc::clone(&cloud);
                let only_new = json!({"Body": "b25l", "IfNoneMatch": "*"});
                tokio::spawn(
                    async move { refused(&cloud, "s3:PutObject", &round.to_string(), only_new).await },
                )
            })
            .collect();
        let mut made = 0;
        for maker in makers {
            made += usize::from(maker.await.unwrap() == "done");
        }
        assert_eq!(made, 1, "round {round}");
    }
    // The files of those who lost are gone.
    assert_eq!(std::fs::read_dir(dir.path().join("s3")).unwrap().count(), 20);
}
