//! With which key objects are encrypted. None is, here: but a key that S3 could not use fails as on AWS.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refusals::{invalid_argument, malformed_xml, not_implemented};
use super::store::{Bucket, Encryption};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::services::kms;

const KMS: &str = "aws:kms";
const OWN: &str = "AES256";
const HEADER: &str = "x-amz-server-side-encryption";

/// What a bucket encrypts new objects with, if with a key of KMS.
pub(super) fn default_of(bucket: &Bucket) -> Option<Encryption> {
    let rule = bucket.settings.get("ServerSideEncryptionConfiguration")?.pointer("/Rules/0")?;
    let by_default = rule.get("ApplyServerSideEncryptionByDefault")?;
    if by_default.get("SSEAlgorithm")?.as_str()? != KMS {
        return None;
    }
    let key = by_default.get("KMSMasterKeyID").and_then(Value::as_str).unwrap_or("alias/aws/s3");
    let bucket_key = rule.get("BucketKeyEnabled").and_then(Value::as_bool).unwrap_or(false);
    Some(Encryption { key: Some(key.to_owned()), bucket_key })
}

/// # Errors
/// Recorded: `test_s3_default_bucket_encryption_exc`.
pub(super) fn check_default(value: &Value) -> Result<(), ServiceError> {
    let rules = value.get("Rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let [rule] = rules else {
        return Err(malformed_xml());
    };
    let text = |member: &str| rule.get("ApplyServerSideEncryptionByDefault")?.get(member)?.as_str();
    if text("SSEAlgorithm") == Some("aws:kms:dsse") {
        return Err(not_implemented(HEADER, Some("the local cloud encrypts nothing twice")));
    }
    if text("SSEAlgorithm") == Some(OWN) && text("KMSMasterKeyID").is_some() {
        let mut error = invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        );
        error.members.insert("ArgumentName".to_owned(), "ApplyServerSideEncryptionByDefault".into());
        return Err(error);
    }
    Ok(())
}

/// What a request says of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AskedEncryption {
    pub server_side_encryption: Option<String>,
    #[serde(rename = "SSEKMSKeyId")]
    pub key_id: Option<String>,
    pub bucket_key_enabled: Option<bool>,
}

impl AskedEncryption {
    /// How a new object of the bucket is encrypted.
    ///
    /// # Errors
    /// It asks for what is not served, or for a key that S3 cannot use.
    pub(super) fn meet(&self, cloud: &Cloud, bucket: &Bucket) -> Result<Encryption, ServiceError> {
        let default = default_of(bucket);
        let bucket_key =
            self.bucket_key_enabled.or(default.as_ref().map(|default| default.bucket_key)).unwrap_or(false);
        let wanted = match (self.server_side_encryption.as_deref(), &self.key_id) {
            (None, None) => default,
            (Some(OWN), None) => None,
            // Without a key it is the one of AWS (API reference, `PutObject`, `SSEKMSKeyId`).
            (Some(KMS), key) => {
                let key = key.clone().unwrap_or_else(|| "alias/aws/s3".to_owned());
                Some(Encryption { key: Some(key), bucket_key })
            }
            (None | Some(OWN), Some(_)) => {
                return Err(invalid_argument(
                    "Server Side Encryption with AWS KMS managed key requires HTTP header \
                     x-amz-server-side-encryption : aws:kms",
                ));
            }
            (Some(_), _) => return Err(not_implemented(HEADER, None)),
        };
        let Some(Encryption { key: Some(key), .. }) = wanted else { return Ok(Encryption::default()) };
        Ok(Encryption { key: Some(usable(cloud, &key)?), bucket_key })
    }
}

impl Encryption {
    /// # Errors
    /// Its key cannot be used any more, so the object cannot be read.
    pub(super) fn check(&self, cloud: &Cloud) -> Result<(), ServiceError> {
        self.shown().check(cloud)
    }

    pub(super) fn shown(&self) -> ShownEncryption {
        ShownEncryption {
            server_side_encryption: if self.key.is_some() { KMS } else { OWN },
            key_id: self.key.clone(),
            bucket_key_enabled: (self.key.is_some() && self.bucket_key).then_some(true),
        }
    }
}

/// KMS's refusals, as S3 passes them on (recorded: `test_s3_sse_validate_kms_key`, `test_s3_sse_validate_kms_key_state`).
fn usable(cloud: &Cloud, key: &str) -> Result<String, ServiceError> {
    kms::usable(cloud, key).map_err(|error| ServiceError { code: format!("KMS.{}", error.code), ..error })
}

/// As it is answered.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShownEncryption {
    pub server_side_encryption: &'static str,
    #[serde(rename = "SSEKMSKeyId")]
    pub key_id: Option<String>,
    pub bucket_key_enabled: Option<bool>,
}

impl ShownEncryption {
    /// # Errors
    /// As [`Encryption::check`].
    pub(super) fn check(&self, cloud: &Cloud) -> Result<(), ServiceError> {
        self.key_id.as_ref().map_or(Ok(()), |key| usable(cloud, key).map(|_| ()))
    }
}
