//! Copying objects.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::super::conditions::{SourceConditions, WriteConditions};
use super::super::encryption::{AskedEncryption, ShownEncryption};
use super::super::refusals::invalid_argument;
use super::super::store::{Content, Description, ObjectStore};
use super::object_arn;
use super::objects::shown;
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CopyObject {
    pub bucket: String,
    pub key: String,
    /// `BUCKET/KEY` or `BUCKET/KEY?versionId=ID`, percent-encoded.
    pub copy_source: String,
    /// `COPY` (default) or `REPLACE`.
    pub metadata_directive: Option<String>,
    #[serde(flatten)]
    pub description: Description,
    #[serde(flatten)]
    pub conditions: WriteConditions,
    #[serde(flatten)]
    pub source: SourceConditions,
    #[serde(flatten)]
    pub encryption: AskedEncryption,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CopyObjectOutput {
    pub copy_object_result: CopyObjectResult,
    pub copy_source_version_id: Option<String>,
    pub version_id: Option<String>,
    #[serde(flatten)]
    pub encryption: ShownEncryption,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CopyObjectResult {
    #[serde(rename = "ETag")]
    pub etag: String,
    pub last_modified: Epoch,
}

impl Operation for CopyObject {
    type Output = CopyObjectOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "CopyObject";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<CopyObjectOutput, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        self.conditions.validate()?;
        let (bucket, key, version_id) = source(&self.copy_source)?;
        let found = store.content(&bucket, &key, version_id.as_deref());
        // Recorded: `test_s3_copy_object_src_not_exists`.
        let (version, from) = found.map_err(|error| match error.code.as_str() {
            "MethodNotAllowed" => ServiceError::new(
                "InvalidRequest",
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ),
            _ => error,
        })?;
        let to = store.bucket(&self.bucket)?;
        let now = call.cloud.clock().now();
        self.source.check(&version, &from, now)?;
        // Recorded: `test_copy_object_if_match_in_place`.
        let conditional = self.conditions.if_match.is_some() || self.conditions.if_none_match.is_some();
        // Another encryption is a change, too (recorded: `test_s3_copy_object_in_place_with_encryption`).
        let conditional = conditional || self.encryption.server_side_encryption.is_some();
        let replace = self.metadata_directive.as_deref() == Some("REPLACE");
        if (bucket == self.bucket) && (key == self.key) && version_id.is_none() && !replace && !conditional {
            return Err(ServiceError::new(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself without changing \
                 the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        from.encryption.check(&call.cloud)?;
        let encryption = self.encryption.meet(&call.cloud, &to)?;
        let shown_encryption = encryption.shown();
        let content = Content {
            file: store.join(&[&from.file])?,
            description: if replace { self.description } else { from.description },
            size: from.size,
            etag: from.etag,
            checksums: from.checksums,
            tags: from.tags,
            encryption,
        };
        let etag = content.etag.clone();
        let may = |current: Option<&Content>| self.conditions.check(&self.key, current);
        let id = store.add((&self.bucket, &self.key), Some(content), (now, may))?;
        Ok(CopyObjectOutput {
            copy_object_result: CopyObjectResult { etag, last_modified: now },
            copy_source_version_id: shown(version.id),
            version_id: shown(id),
            encryption: shown_encryption,
        })
    }
}

/// Bucket, key and version in a copy source.
pub(super) fn source(text: &str) -> Result<(String, String, Option<String>), ServiceError> {
    let (path, version) = match text.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version.to_owned())),
        None => (text, None),
    };
    let path = percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
    match path.split_once('/') {
        Some((bucket, key)) if !key.is_empty() => Ok((bucket.to_owned(), key.to_owned(), version)),
        _ => Err(invalid_argument("Invalid copy source object key")),
    }
}
