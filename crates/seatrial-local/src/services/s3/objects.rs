//! Objects, as other services read and write them with a principal of their own.

use super::encryption::AskedEncryption;
use super::{GetBucketAcl, GetBucketLocation, GetBucketVersioning, GetObject, HeadObject, PutObject};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::retry;

/// Where an object is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    /// `None`: the latest.
    pub version: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub(crate) fn latest(bucket: &'a str, key: &'a str) -> Self {
        Self { bucket, key, version: None }
    }
}

pub(crate) async fn get(
    cloud: &Cloud,
    principal: &Principal,
    place: Place<'_>,
) -> Result<Vec<u8>, ServiceError> {
    let input = GetObject {
        bucket: place.bucket.to_owned(),
        key: place.key.to_owned(),
        version_id: place.version.map(str::to_owned),
        ..GetObject::default()
    };
    let body = retry::call(cloud, principal, input).await?.body;
    body.read().map_err(|error| ServiceError::internal(format!("failed to read an object: {error}")))
}

/// An artifact of a pipeline, in the version that it has now: both permissions of reading are asked for, as AWS's guide
/// gives both (CodePipeline user guide, Create a custom service role; CodeBuild user guide, setting up).
pub(crate) async fn get_artifact(
    cloud: &Cloud,
    principal: &Principal,
    place: Place<'_>,
) -> Result<Vec<u8>, ServiceError> {
    let head = HeadObject(GetObject {
        bucket: place.bucket.to_owned(),
        key: place.key.to_owned(),
        ..GetObject::default()
    });
    let version = retry::call(cloud, principal, head).await?.version_id;
    get(cloud, principal, Place { version: version.as_deref(), ..place }).await
}

/// What CodePipeline and CodeBuild ask of a pipeline's bucket before they use it (CodePipeline user guide, Create a custom
/// service role; CodeBuild user guide, setting up).
pub(crate) async fn check_store(
    cloud: &Cloud,
    principal: &Principal,
    bucket: &str,
) -> Result<(), ServiceError> {
    retry::call(cloud, principal, GetBucketLocation { bucket: bucket.to_owned() }).await?;
    retry::call(cloud, principal, GetBucketAcl { bucket: bucket.to_owned() }).await.map(drop)
}

/// Whether a bucket keeps versions, which CodePipeline asks besides.
pub(crate) async fn check_versioning(
    cloud: &Cloud,
    principal: &Principal,
    bucket: &str,
) -> Result<(), ServiceError> {
    retry::call(cloud, principal, GetBucketVersioning { bucket: bucket.to_owned() }).await.map(drop)
}

pub(crate) async fn put(
    cloud: &Cloud,
    principal: &Principal,
    place: Place<'_>,
    body: &[u8],
) -> Result<(), ServiceError> {
    upload(cloud, principal, (place, None, None), body).await
}

/// With the list of access `bucket-owner-full-control`, as the source action of a connection uploads its artifact
/// (CodePipeline user guide, Create a custom service role: `s3:PutObjectAcl`). `key`: the key of KMS that the pipeline's artifacts are encrypted with.
pub(crate) async fn put_for_owner(
    cloud: &Cloud,
    principal: &Principal,
    (place, key): (Place<'_>, Option<&str>),
    body: &[u8],
) -> Result<(), ServiceError> {
    upload(cloud, principal, (place, Some("bucket-owner-full-control"), key), body).await
}

async fn upload(
    cloud: &Cloud,
    principal: &Principal,
    (place, acl, key_id): (Place<'_>, Option<&str>, Option<&str>),
    body: &[u8],
) -> Result<(), ServiceError> {
    let input = PutObject {
        bucket: place.bucket.to_owned(),
        key: place.key.to_owned(),
        acl: acl.map(str::to_owned),
        body: body.to_vec().into(),
        encryption: AskedEncryption {
            server_side_encryption: key_id.map(|_| "aws:kms".to_owned()),
            key_id: key_id.map(str::to_owned),
            ..AskedEncryption::default()
        },
        ..PutObject::default()
    };
    retry::call(cloud, principal, input).await.map(|_| ())
}
