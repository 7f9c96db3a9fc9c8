//! Objects, as other services read and write them with a principal of their own.

use super::{GetObject, PutObject};
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
    Ok(retry::call(cloud, principal, input).await?.body.0.into())
}

pub(crate) async fn put(
    cloud: &Cloud,
    principal: &Principal,
    place: Place<'_>,
    body: &[u8],
) -> Result<(), ServiceError> {
    let input = PutObject {
        bucket: place.bucket.to_owned(),
        key: place.key.to_owned(),
        body: body.to_vec().into(),
        ..PutObject::default()
    };
    retry::call(cloud, principal, input).await.map(|_| ())
}
