//! What a request asks of the object it writes, or copies from, before it does.
//!
//! Codes, words and the order of checks are recorded on AWS: LocalStack's snapshots of `test_s3_api.py`
//! (`TestS3ObjectWritePrecondition`, `TestS3DeletePrecondition`) and `test_s3_preconditions.py`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusals::{key_too_long, no_such_key, not_implemented, precondition_failed};
use super::store::{Content, Version};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Conditions on what is there under the key that is written.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct WriteConditions {
    /// The entity tag that the object must have.
    pub if_match: Option<String>,
    /// `*`: only if there is no object of this key.
    pub if_none_match: Option<String>,
}

impl WriteConditions {
    /// # Errors
    /// Both at once, and values that AWS does not take for a write.
    pub(super) fn validate(&self) -> Result<(), ServiceError> {
        let refused = |header: &str| {
            let message = format!("We don't accept the provided value of {header} header for this API");
            Err(not_implemented(header, Some(&message)))
        };
        match (self.if_match.as_deref(), self.if_none_match.as_deref()) {
            (Some(_), Some(_)) => {
                let message = "Multiple conditional request headers present in the request";
                Err(not_implemented("If-Match,If-None-Match", Some(message)))
            }
            (Some("*"), None) => refused("If-Match"),
            (None, Some(value)) if value != "*" => refused("If-None-Match"),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// The object that is there under `key` is not as it must be.
    pub(super) fn check(&self, key: &str, current: Option<&Content>) -> Result<(), ServiceError> {
        if self.if_none_match.is_some() && current.is_some() {
            return Err(precondition_failed("If-None-Match"));
        }
        match (&self.if_match, current) {
            (Some(_), None) => Err(no_such_key(key)),
            (Some(etag), Some(content)) if !same(&content.etag, etag) => Err(precondition_failed("If-Match")),
            _ => Ok(()),
        }
    }
}

/// Conditions on what is copied.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SourceConditions {
    pub copy_source_if_match: Option<String>,
    pub copy_source_if_none_match: Option<String>,
    pub copy_source_if_modified_since: Option<Epoch>,
    pub copy_source_if_unmodified_since: Option<Epoch>,
}

impl SourceConditions {
    /// As of reading, a matching tag outweighs a time; a time in the future is ignored.
    ///
    /// # Errors
    /// The source is not as it must be.
    pub(super) fn check(&self, version: &Version, content: &Content, now: Epoch) -> Result<(), ServiceError> {
        let failed = |name: &str| Err(precondition_failed(&format!("x-amz-copy-source-{name}")));
        let modified = version.modified.0.floor();
        let matches = self.copy_source_if_match.as_ref().map(|etag| same(&content.etag, etag));
        let differs = self.copy_source_if_none_match.as_ref().map(|etag| !same(&content.etag, etag));
        if matches == Some(false) {
            return failed("If-Match");
        }
        let unmodified = self.copy_source_if_unmodified_since.is_none_or(|since| modified <= since.0);
        if matches.is_none() && !unmodified {
            return failed("If-Unmodified-Since");
        }
        if differs == Some(false) {
            return failed("If-None-Match");
        }
        let since = self.copy_source_if_modified_since.filter(|since| *since <= now);
        if differs.is_none() && since.is_some_and(|since| modified <= since.0) {
            return failed("If-Modified-Since");
        }
        Ok(())
    }
}

/// Whether an entity tag is the given one, with or without its quotes; `*` is any.
pub(super) fn same(etag: &str, given: &str) -> bool {
    given == "*" || etag.trim_matches('"') == given.trim().trim_matches('"')
}

/// Members of an object's requests that would do something on AWS and do nothing here, with their headers: what is not
/// meant is refused, or a secret would be kept readable whose caller believes it encrypted by a key of their own.
const UNMET: [(&str, &str); 22] = [
    ("SSECustomerAlgorithm", "x-amz-server-side-encryption-customer-algorithm"),
    ("SSECustomerKey", "x-amz-server-side-encryption-customer-key"),
    ("CopySourceSSECustomerAlgorithm", "x-amz-copy-source-server-side-encryption-customer-algorithm"),
    ("CopySourceSSECustomerKey", "x-amz-copy-source-server-side-encryption-customer-key"),
    ("SSEKMSEncryptionContext", "x-amz-server-side-encryption-context"),
    ("Tagging", "x-amz-tagging"),
    ("WebsiteRedirectLocation", "x-amz-website-redirect-location"),
    ("ObjectLockMode", "x-amz-object-lock-mode"),
    ("ObjectLockRetainUntilDate", "x-amz-object-lock-retain-until-date"),
    ("ObjectLockLegalHoldStatus", "x-amz-object-lock-legal-hold"),
    ("GrantFullControl", "x-amz-grant-full-control"),
    ("GrantRead", "x-amz-grant-read"),
    ("GrantReadACP", "x-amz-grant-read-acp"),
    ("GrantWriteACP", "x-amz-grant-write-acp"),
    ("Expires", "Expires"),
    ("MFA", "x-amz-mfa"),
    ("WriteOffsetBytes", "x-amz-write-offset-bytes"),
    // Of directory buckets only: recorded.
    ("IfMatchLastModifiedTime", "x-amz-if-match-last-modified-time"),
    ("IfMatchSize", "x-amz-if-match-size"),
    ("ResponseCacheControl", "response-cache-control"),
    ("ResponseContentEncoding", "response-content-encoding"),
    ("ResponseExpires", "response-expires"),
];

/// In bytes of UTF-8 (S3 user guide: naming objects).
const LONGEST_KEY: usize = 1024;

/// # Errors
/// A key that is too long; a member that is not met here; an owner that is not the bucket's.
pub(super) fn refuse_unmet(cloud: &Cloud, given: &Value) -> Result<(), ServiceError> {
    let find = |name: &str| given.get(name).filter(|value| !value.is_null());
    for owner in ["ExpectedBucketOwner", "ExpectedSourceBucketOwner"] {
        if find(owner).is_some_and(|owner| *owner != json!(cloud.account())) {
            return Err(ServiceError::access_denied("Access Denied"));
        }
    }
    if let Some(key) = find("Key").and_then(Value::as_str).filter(|key| key.len() > LONGEST_KEY) {
        return Err(key_too_long(key.len()));
    }
    // Of a bucket `Tagging` is a structure, and is met.
    let is_unmet = |name: &str| find(name).is_some_and(|value| !value.is_object());
    if let Some((_, header)) = UNMET.iter().find(|(name, _)| is_unmet(name)) {
        return Err(not_implemented(header, None));
    }
    // Of an object that is read; a part that is uploaded has one.
    if find("PartNumber").is_some() && find("UploadId").is_none() {
        return Err(not_implemented("partNumber", None));
    }
    let other = |name: &str, only: &str| find(name).is_some_and(|value| value != only);
    if other("StorageClass", "STANDARD") {
        return Err(not_implemented("x-amz-storage-class", None));
    }
    Ok(())
}
