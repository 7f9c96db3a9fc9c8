//! Objects of S3, as other services read and write them with a principal of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

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
    let mut input = json!({ "Bucket": place.bucket, "Key": place.key });
    if let Some(version) = place.version {
        input["VersionId"] = json!(version);
    }
    let answer = retry::dispatch(cloud, principal, ("s3", "GetObject"), input).await?;
    let body = answer.get("Body").and_then(Value::as_str).unwrap_or_default();
    STANDARD.decode(body).map_err(|error| ServiceError::internal(error.to_string()))
}

pub(crate) async fn put(
    cloud: &Cloud,
    principal: &Principal,
    place: Place<'_>,
    body: &[u8],
) -> Result<(), ServiceError> {
    let input = json!({ "Bucket": place.bucket, "Key": place.key, "Body": STANDARD.encode(body) });
    retry::dispatch(cloud, principal, ("s3", "PutObject"), input).await.map(|_| ())
}
