//! Buckets and objects in process.

mod conditions;
mod encryption;

use serde_json::{Value, json};

use crate::Cloud;
use crate::tests::{call, cloud_in};

async fn bucket(cloud: &Cloud, versioned: bool) {
    call(cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    if versioned {
        let enabled = json!({"Bucket": "store", "VersioningConfiguration": {"Status": "Enabled"}});
        call(cloud, "s3:PutBucketVersioning", enabled).await.unwrap();
    }
}

async fn put(cloud: &Cloud, key: &str, base64: &str) -> Value {
    let input = json!({"Bucket": "store", "Key": key, "Body": base64, "ContentType": "text/plain"});
    call(cloud, "s3:PutObject", input).await.unwrap()
}

#[tokio::test]
async fn versions_stay_readable_under_a_delete_marker_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    bucket(&cloud, true).await;
    let one = put(&cloud, "a", "b25l").await;
    put(&cloud, "a", "dHdv").await;
    call(&cloud, "s3:DeleteObject", json!({"Bucket": "store", "Key": "a"})).await.unwrap();
    let cloud = cloud_in(dir.path());

    let newest = call(&cloud, "s3:GetObject", json!({"Bucket": "store", "Key": "a"})).await.unwrap_err();
    let version = json!({"Bucket": "store", "Key": "a", "VersionId": one["VersionId"]});
    let first = call(&cloud, "s3:GetObject", version).await.unwrap();
    let listed = call(&cloud, "s3:ListObjectVersions", json!({"Bucket": "store"})).await.unwrap();
    let refused = call(&cloud, "s3:DeleteBucket", json!({"Bucket": "store"})).await.unwrap_err();

    assert_eq!((newest.code.as_str(), newest.status), ("NoSuchKey", 404));
    assert_eq!((first["Body"].as_str(), first["ContentType"].as_str()), (Some("b25l"), Some("text/plain")));
    assert_eq!(listed["Versions"].as_array().unwrap().len(), 2);
    assert_eq!(listed["DeleteMarkers"][0]["IsLatest"], true);
    assert_eq!(refused.code, "BucketNotEmpty");
}

#[tokio::test]
async fn a_page_of_versions_goes_on_where_the_last_ended() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    bucket(&cloud, true).await;
    for key in ["a", "a", "b"] {
        put(&cloud, key, "b25l").await;
    }

    let mut seen = Vec::new();
    let mut input = json!({"Bucket": "store", "MaxKeys": 2});
    loop {
        let page = call(&cloud, "s3:ListObjectVersions", input.clone()).await.unwrap();
        for version in page["Versions"].as_array().unwrap() {
            seen.push((version["Key"].as_str().unwrap().to_owned(), version["IsLatest"].as_bool().unwrap()));
        }
        if page["IsTruncated"] == false {
            break;
        }
        input["KeyMarker"] = page["NextKeyMarker"].clone();
        input["VersionIdMarker"] = page["NextVersionIdMarker"].clone();
    }

    let expected = [("a", true), ("a", false), ("b", true)];
    assert_eq!(seen, expected.map(|(key, latest)| (key.to_owned(), latest)));
}

#[tokio::test]
async fn ranges_and_conditions_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    bucket(&cloud, false).await;
    let etag = put(&cloud, "a", "b25lIHR3bw==").await["ETag"].clone();
    let get = |member: &str, value: Value| {
        let mut input = json!({"Bucket": "store", "Key": "a"});
        input[member] = value;
        let cloud = cloud.clone();
        async move { call(&cloud, "s3:GetObject", input).await }
    };

    let tail = get("Range", json!("bytes=-3")).await.unwrap();
    let beyond = get("Range", json!("bytes=7-")).await.unwrap_err();
    let unchanged = get("IfNoneMatch", etag).await.unwrap_err();
    let changed = get("IfMatch", json!("\"other\"")).await.unwrap_err();

    assert_eq!((tail["Body"].as_str(), tail["ContentRange"].as_str()), (Some("dHdv"), Some("bytes 4-6/7")));
    assert_eq!((beyond.status, unchanged.status, changed.status), (416, 304, 412));
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    bucket(&cloud, false).await;
    let names = json!({"Bucket": "store", "Key": "big"});
    let mut part = names.clone();
    part["UploadId"] =
        call(&cloud, "s3:CreateMultipartUpload", names.clone()).await.unwrap()["UploadId"].clone();
    let mut complete = part.clone();
    part["PartNumber"] = json!(1);
    part["Body"] = json!("b25l");
    let etag = call(&cloud, "s3:UploadPart", part).await.unwrap()["ETag"].clone();

    complete["MultipartUpload"] = json!({"Parts": [{"ETag": "\"no\"", "PartNumber": 1}]});
    let wrong = call(&cloud, "s3:CompleteMultipartUpload", complete.clone()).await.unwrap_err();
    complete["MultipartUpload"] = json!({"Parts": [{"ETag": etag, "PartNumber": 1}]});
    let done = call(&cloud, "s3:CompleteMultipartUpload", complete).await.unwrap();
    let read = call(&cloud, "s3:GetObject", names).await.unwrap();

    assert_eq!(wrong.code, "InvalidPart");
    assert!(done["ETag"].as_str().unwrap().ends_with("-1\""));
    assert_eq!(read["Body"], "b25l");
}

#[tokio::test]
async fn pages_of_parts_and_of_uploads_go_on_where_the_last_ended() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    bucket(&cloud, false).await;
    let mut ids = Vec::new();
    for key in ["b", "a", "a"] {
        let begun = json!({"Bucket": "store", "Key": key});
        let begun = call(&cloud, "s3:CreateMultipartUpload", begun).await.unwrap();
        ids.push((key.to_owned(), begun["UploadId"].as_str().unwrap().to_owned()));
    }
    let upload = json!({"Bucket": "store", "Key": "b", "UploadId": ids[0].1});
    for number in [1, 5, 7] {
        let mut part = upload.clone();
        part["PartNumber"] = json!(number);
        part["Body"] = json!("b25l");
        call(&cloud, "s3:UploadPart", part).await.unwrap();
    }

    let (mut parts, mut input) = (Vec::new(), upload.clone());
    input["MaxParts"] = json!(2);
    loop {
        let page = call(&cloud, "s3:ListParts", input.clone()).await.unwrap();
        parts.extend(page["Parts"].as_array().unwrap().iter().map(|part| part["PartNumber"].clone()));
        if page["IsTruncated"] == false {
            break;
        }
        input["PartNumberMarker"] = page["NextPartNumberMarker"].clone();
    }
    let (mut uploads, mut input) = (Vec::new(), json!({"Bucket": "store", "MaxUploads": 1}));
    loop {
        let page = call(&cloud, "s3:ListMultipartUploads", input.clone()).await.unwrap();
        uploads.extend(page["Uploads"].as_array().unwrap().iter().map(|upload| {
            let text = |name: &str| upload[name].as_str().unwrap().to_owned();
            (text("Key"), text("UploadId"))
        }));
        if page["IsTruncated"] == false {
            break;
        }
        input["KeyMarker"] = page["NextKeyMarker"].clone();
        input["UploadIdMarker"] = page["NextUploadIdMarker"].clone();
    }
    let strange = json!({"Bucket": "store", "KeyMarker": "a", "UploadIdMarker": "x"});
    let strange = call(&cloud, "s3:ListMultipartUploads", strange).await.unwrap_err();

    assert_eq!(parts, [1, 5, 7]);
    let mut expected = ids.clone();
    expected.sort();
    uploads.sort();
    assert_eq!(uploads, expected);
    assert_eq!(strange.code, "InvalidArgument");
}
