//! Artifacts in S3, by the operations of its service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::store::Artifact;
use super::session;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;

pub(super) async fn get(
    cloud: &Cloud,
    principal: &Principal,
    artifact: &Artifact,
) -> Result<Vec<u8>, ServiceError> {
    let input = json!({ "Bucket": artifact.bucket, "Key": artifact.key });
    let answer = session::dispatch(cloud, principal, ("s3", "GetObject"), input).await?;
    let body = answer.get("Body").and_then(Value::as_str).unwrap_or_default();
    STANDARD.decode(body).map_err(|error| ServiceError::internal(error.to_string()))
}

pub(super) async fn put(
    cloud: &Cloud,
    principal: &Principal,
    artifact: &Artifact,
    body: &[u8],
) -> Result<(), ServiceError> {
    let input = json!({ "Bucket": artifact.bucket, "Key": artifact.key, "Body": STANDARD.encode(body) });
    session::dispatch(cloud, principal, ("s3", "PutObject"), input).await.map(|_| ())
}
