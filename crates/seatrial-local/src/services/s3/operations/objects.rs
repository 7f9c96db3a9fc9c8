//! Putting, getting and asking for objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::body::Body;
use super::super::conditions::{WriteConditions, same};
use super::super::encryption::{AskedEncryption, ShownEncryption};
use super::super::refusals::precondition_failed;
use super::super::store::{Content, Description, Kept, ObjectStore, Version};
use super::object_arn;
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Checksum members that are kept and answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Checksums {
    #[serde(rename = "ChecksumCRC32")]
    pub crc32: Option<String>,
    #[serde(rename = "ChecksumCRC32C")]
    pub crc32c: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME")]
    pub crc64nvme: Option<String>,
    #[serde(rename = "ChecksumSHA1")]
    pub sha1: Option<String>,
    #[serde(rename = "ChecksumSHA256")]
    pub sha256: Option<String>,
}

impl Checksums {
    fn map(&self) -> BTreeMap<String, String> {
        let all = [
            ("ChecksumCRC32", &self.crc32),
            ("ChecksumCRC32C", &self.crc32c),
            ("ChecksumCRC64NVME", &self.crc64nvme),
            ("ChecksumSHA1", &self.sha1),
            ("ChecksumSHA256", &self.sha256),
        ];
        let given = all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        given.collect()
    }
}

#[derive(Clone, Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PutObject {
    pub bucket: String,
    pub key: String,
    /// Changes nothing here, where the bucket's owner owns its objects, but needs a permission of its own.
    #[serde(rename = "ACL")]
    pub acl: Option<String>,
    #[serde(skip_serializing)]
    pub body: Body,
    #[serde(flatten)]
    pub description: Description,
    #[serde(flatten)]
    pub checksums: Checksums,
    #[serde(flatten)]
    pub conditions: WriteConditions,
    #[serde(flatten)]
    pub encryption: AskedEncryption,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutObjectOutput {
    /// With its quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
    pub version_id: Option<String>,
    #[serde(flatten)]
    pub checksums: Checksums,
    #[serde(flatten)]
    pub encryption: ShownEncryption,
}

impl Operation for PutObject {
    type Output = PutObjectOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "PutObject";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<PutObjectOutput, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        let bucket = store.bucket(&self.bucket)?;
        self.conditions.validate()?;
        let encryption = self.encryption.meet(&call.cloud, &bucket)?;
        let shown_encryption = encryption.shown();
        let Kept { file, size, etag } = store.keep(&self.body)?;
        let content = Content {
            file,
            size,
            etag,
            description: self.description,
            checksums: self.checksums.map(),
            tags: Vec::new(),
            encryption,
        };
        let etag = content.etag.clone();
        let may = |current: Option<&Content>| self.conditions.check(&self.key, current);
        let id = store.add((&self.bucket, &self.key), Some(content), (call.cloud.clock().now(), may))?;
        Ok(PutObjectOutput {
            etag,
            version_id: shown(id),
            checksums: self.checksums,
            encryption: shown_encryption,
        })
    }
}

/// AWS does not mention the version of an object that was put while versioning was off.
pub(super) fn shown(version_id: String) -> Option<String> {
    Some(version_id).filter(|id| id != "null")
}

/// What is asked of an object, by `GetObject` and `HeadObject` alike.
#[derive(Clone, Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GetObject {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    /// `bytes=0-99`, `bytes=100-`, `bytes=-100`.
    pub range: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub if_modified_since: Option<Epoch>,
    pub if_unmodified_since: Option<Epoch>,
    /// `ENABLED`: checksums are answered too.
    pub checksum_mode: Option<String>,
    pub response_content_type: Option<String>,
    pub response_content_disposition: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetObjectOutput {
    pub body: Body,
    #[serde(flatten)]
    pub object: ObjectHead,
}

/// An object without its bytes.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ObjectHead {
    #[serde(flatten)]
    pub description: Description,
    /// Of what is answered, which may be a range.
    pub content_length: u64,
    pub content_range: Option<String>,
    pub accept_ranges: &'static str,
    /// With its quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
    pub last_modified: Epoch,
    pub version_id: Option<String>,
    #[serde(flatten)]
    pub encryption: ShownEncryption,
    #[serde(flatten)]
    pub checksums: BTreeMap<String, String>,
}

impl GetObject {
    /// The object without its bytes, its file, and the first and last byte wanted.
    fn find(&self, store: &ObjectStore) -> Result<(ObjectHead, String, std::ops::Range<u64>), ServiceError> {
        let (version, content) = store.content(&self.bucket, &self.key, self.version_id.as_deref())?;
        self.check(&version, &content)?;
        let range = match &self.range {
            Some(text) => {
                range(text, content.size).map_err(|error| unsatisfiable(error, text, content.size))?
            }
            None => None,
        };
        let wanted = range.clone().unwrap_or(0..content.size);
        let whole = range.is_none() && self.checksum_mode.is_some();
        let mut description = content.description;
        description.content_type = self.response_content_type.clone().or(description.content_type);
        description.content_disposition =
            self.response_content_disposition.clone().or(description.content_disposition);
        let head = ObjectHead {
            description,
            content_length: wanted.end - wanted.start,
            content_range: range
                .map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, content.size)),
            accept_ranges: "bytes",
            etag: content.etag,
            last_modified: version.modified,
            version_id: shown(version.id),
            encryption: content.encryption.shown(),
            checksums: if whole { content.checksums } else { BTreeMap::new() },
        };
        Ok((head, content.file, wanted))
    }

    fn check(&self, version: &Version, content: &Content) -> Result<(), ServiceError> {
        let any = |list: &str| list.split(',').any(|etag| same(&content.etag, etag));
        // Headers carry whole seconds.
        let modified = version.modified.0.floor();
        if self.if_match.as_ref().is_some_and(|list| !any(list)) {
            return Err(precondition_failed("If-Match"));
        }
        if self.if_match.is_none() && self.if_unmodified_since.is_some_and(|since| modified > since.0) {
            return Err(precondition_failed("If-Unmodified-Since"));
        }
        let unchanged = self.if_none_match.as_ref().is_some_and(|list| any(list));
        let old =
            self.if_none_match.is_none() && self.if_modified_since.is_some_and(|since| modified <= since.0);
        if unchanged || old {
            return Err(ServiceError::new("NotModified", "Not Modified").with_status(304));
        }
        Ok(())
    }
}

impl Operation for GetObject {
    type Output = GetObjectOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "GetObject";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<GetObjectOutput, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        let (object, file, wanted) = self.find(&store)?;
        object.encryption.check(&call.cloud)?;
        let body = Body::Stored(Arc::new(store.open(&file)?), wanted);
        Ok(GetObjectOutput { body, object })
    }
}

#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct HeadObject(pub GetObject);

impl Operation for HeadObject {
    type Output = ObjectHead;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "HeadObject";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.0.bucket, &self.0.key)
    }

    async fn handle(self, call: &Call) -> Result<ObjectHead, ServiceError> {
        Ok(self.0.find(&call.cloud.part::<ObjectStore>())?.0)
    }
}

fn unsatisfiable(mut error: ServiceError, text: &str, size: u64) -> ServiceError {
    error.members.insert("RangeRequested".to_owned(), text.into());
    error.members.insert("ActualObjectSize".to_owned(), size.to_string().into());
    error
}

/// The bytes that a `Range` header means; `None` for a form that is ignored.
pub(super) fn range(text: &str, size: u64) -> Result<Option<std::ops::Range<u64>>, ServiceError> {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Ok(None),
    };
    if range.start >= range.end {
        let message = "The requested range is not satisfiable";
        return Err(ServiceError::new("InvalidRange", message).with_status(416));
    }
    Ok(Some(range))
}
