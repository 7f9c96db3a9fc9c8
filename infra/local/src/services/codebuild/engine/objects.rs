//! Objects of S3, by the operations of its service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;

/// The object `(bucket, key, version)`.
pub(super) async fn get(
    cloud: &Cloud,
    principal: &Principal,
    (bucket, key, version): (&str, &str, Option<&str>),
) -> Result<Vec<u8>, ServiceError> {
    let mut input = json!({ "Bucket": bucket, "Key": key });
    if let Some(version) = version {
        input["VersionId"] = json!(version);
    }
    let answer = cloud.dispatch(principal, ("s3", "GetObject"), input).await?;
    let body = answer.get("Body").and_then(Value::as_str).unwrap_or_default();
    STANDARD.decode(body).map_err(|error| ServiceError::internal(error.to_string()))
}

pub(super) async fn put(
    cloud: &Cloud,
    principal: &Principal,
    (bucket, key): (&str, &str),
    body: &[u8],
) -> Result<(), ServiceError> {
    let input = json!({ "Bucket": bucket, "Key": key, "Body": STANDARD.encode(body) });
    cloud.dispatch(principal, ("s3", "PutObject"), input).await?;
    Ok(())
}
