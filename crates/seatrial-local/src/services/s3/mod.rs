//! S3: buckets, objects with their versions, multipart uploads.

mod body;
mod collect;
mod conditions;
mod encryption;
mod listing;
pub(crate) mod objects;
mod operations;
mod refusals;
mod store;
mod transfer;

pub(crate) use operations::*;
pub(crate) use transfer::transfer;

use std::path::PathBuf;

use serde_json::Value;

use crate::cloud::Cloud;
use crate::operation::Operations;

/// Where objects lie.
pub(crate) fn folder(cloud: &Cloud) -> PathBuf {
    cloud.part::<store::ObjectStore>().folder().to_owned()
}

/// The policy of a bucket, JSON.
pub(crate) fn policy_of(cloud: &Cloud, bucket: &str) -> Option<String> {
    let bucket = cloud.part::<store::ObjectStore>().bucket(bucket).ok()?;
    bucket.settings.get("Policy")?.as_str().map(str::to_owned)
}

/// The customer's key, an ARN, id or alias, that an operation on `BUCKET/KEY` meets: of what is read the object's own, of a part
/// its upload's, else the one that the bucket's new objects are encrypted with.
pub(crate) fn key_of(cloud: &Cloud, object: &str, (operation, input): (&str, &Value)) -> Option<String> {
    let store = cloud.part::<store::ObjectStore>();
    let (bucket, key) = object.split_once('/').unwrap_or((object, ""));
    let text = |member: &str| input.get(member).and_then(Value::as_str);
    let is_written = text("Bucket") == Some(bucket) && text("Key") == Some(key);
    match operation {
        "GetObject" | "HeadObject" => {
            let (_, content) = store.content(bucket, key, text("VersionId")).ok()?;
            content.encryption.key
        }
        "UploadPart" | "UploadPartCopy" | "CompleteMultipartUpload" if is_written => {
            store.upload(text("UploadId")?, key).ok()?.encryption.key
        }
        "CopyObject" | "UploadPartCopy" if !is_written => {
            let version = text("CopySource").and_then(|source| Some(source.split_once("?versionId=")?.1));
            let (_, content) = store.content(bucket, key, version).ok()?;
            content.encryption.key
        }
        _ => encryption::default_of(&store.bucket(bucket).ok()?).and_then(|default| default.key),
    }
}

/// The ARN that S3 tells KMS: of an object, or of its bucket where that has a bucket key.
pub(crate) fn context_of(cloud: &Cloud, object_arn: &str) -> String {
    let store = cloud.part::<store::ObjectStore>();
    let object = object_arn.strip_prefix("arn:aws:s3:::").unwrap_or(object_arn);
    let bucket = object.split('/').next().unwrap_or(object);
    let default = store.bucket(bucket).ok().and_then(|bucket| encryption::default_of(&bucket));
    match default.is_some_and(|default| default.bucket_key) {
        true => format!("arn:aws:s3:::{bucket}"),
        false => object_arn.to_owned(),
    }
}

pub(crate) fn register(operations: &mut Operations) {
    operations.refuse("s3", conditions::refuse_unmet);
    operations.add_collect(collect::collect);
    operations.add::<CreateBucket>();
    operations.add::<DeleteBucket>();
    operations.add::<HeadBucket>();
    operations.add::<ListBuckets>();
    operations.add::<GetBucketLocation>();
    operations.add::<GetBucketVersioning>();
    operations.add::<PutBucketVersioning>();
    operations.add::<GetBucketAcl>();
    register_settings(operations);
    operations.add::<PutObject>();
    operations.add::<GetObject>();
    operations.add::<HeadObject>();
    operations.add::<CopyObject>();
    operations.add::<DeleteObject>();
    operations.add::<DeleteObjects>();
    operations.add::<ListObjectsV2>();
    operations.add::<ListObjects>();
    operations.add::<ListObjectVersions>();
    operations.add::<CreateMultipartUpload>();
    operations.add::<UploadPart>();
    operations.add::<UploadPartCopy>();
    operations.add::<CompleteMultipartUpload>();
    operations.add::<AbortMultipartUpload>();
    operations.add::<ListMultipartUploads>();
    operations.add::<ListParts>();
}

#[cfg(test)]
mod tests;
