//! S3: buckets, objects with their versions, multipart uploads.

mod body;
mod collect;
mod conditions;
mod listing;
pub(crate) mod objects;
mod operations;
mod refusals;
mod store;
mod transfer;

pub(crate) use operations::*;
pub(crate) use transfer::transfer;

use crate::cloud::Cloud;
use crate::operation::Operations;

/// The policy of a bucket, JSON.
pub(crate) fn policy_of(cloud: &Cloud, bucket: &str) -> Option<String> {
    let bucket = cloud.part::<store::ObjectStore>().bucket(bucket).ok()?;
    bucket.settings.get("Policy")?.as_str().map(str::to_owned)
}

/// The key that a bucket's new objects are encrypted with: an ARN, id or alias.
pub(crate) fn key_of(cloud: &Cloud, bucket: &str) -> Option<String> {
    let bucket = cloud.part::<store::ObjectStore>().bucket(bucket).ok()?;
    let encryption = bucket.settings.get("ServerSideEncryptionConfiguration")?;
    let key = encryption.pointer("/Rules/0/ApplyServerSideEncryptionByDefault/KMSMasterKeyID")?;
    key.as_str().map(str::to_owned)
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
