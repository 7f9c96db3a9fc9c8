//! Listing all versions and delete markers.

use serde::{Deserialize, Serialize};

use super::super::listing::{Query, encoded, page};
use super::super::store::{ObjectStore, Version, object_key};
use super::list::{CommonPrefix, MOST_KEYS, prefixes};
use super::{Owner, bucket_arn, owner};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListObjectVersions {
    pub bucket: String,
    pub prefix: Option<String>,
    pub delimiter: Option<String>,
    pub max_keys: Option<usize>,
    pub key_marker: Option<String>,
    pub version_id_marker: Option<String>,
    pub encoding_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListObjectVersionsOutput {
    pub name: String,
    pub prefix: String,
    pub delimiter: Option<String>,
    pub max_keys: usize,
    pub is_truncated: bool,
    pub key_marker: String,
    pub version_id_marker: String,
    pub next_key_marker: Option<String>,
    pub next_version_id_marker: Option<String>,
    /// Newest first of each key.
    pub versions: Vec<VersionEntry>,
    pub delete_markers: Vec<VersionEntry>,
    pub common_prefixes: Vec<CommonPrefix>,
    pub encoding_type: Option<String>,
}

/// A version, or, without size and ETag, a delete marker.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VersionEntry {
    pub key: String,
    pub version_id: String,
    pub is_latest: bool,
    pub last_modified: Epoch,
    pub owner: Owner,
    #[serde(rename = "ETag", skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<&'static str>,
}

impl Operation for ListObjectVersions {
    type Output = ListObjectVersionsOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "ListObjectVersions";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<ListObjectVersionsOutput, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        store.bucket(&self.bucket)?;
        let prefix = self.prefix.unwrap_or_default();
        let key_marker = self.key_marker.unwrap_or_default();
        let version_id_marker = self.version_id_marker.unwrap_or_default();
        let max_keys = self.max_keys.unwrap_or(MOST_KEYS).min(MOST_KEYS);
        let mut entries = Vec::new();
        for (row, object) in store.objects.with_prefix(&object_key(&self.bucket, &prefix)) {
            let key = row.split_once('\n').map(|(_, key)| key.to_owned()).unwrap_or_default();
            let newest_first = object.versions.into_iter().rev().enumerate();
            // Positions keep the order of a key's versions, and make each a name of its own to stop after.
            entries.extend(
                newest_first
                    .map(|(index, version)| (format!("{key}\0{index:08}"), (key.clone(), index, version))),
            );
        }
        let after = after(&entries, &key_marker, &version_id_marker);
        let delimiter = self.delimiter.as_deref();
        let query = Query { prefix: &prefix, delimiter, after: after.as_deref(), most: max_keys };
        let found = page(entries, &query);
        let last = found.items.last().map(|(key, _, version)| (key.clone(), version.id.clone()));
        let next = found.next.and(last);
        let encoding = self.encoding_type.as_deref();
        let (mut versions, mut delete_markers) = (Vec::new(), Vec::new());
        for (key, index, version) in found.items {
            let is_marker = version.content.is_none();
            let entry = entry(encoded(&key, encoding), index == 0, (version, call.cloud.account()));
            if is_marker { delete_markers.push(entry) } else { versions.push(entry) }
        }
        Ok(ListObjectVersionsOutput {
            name: self.bucket,
            prefix: encoded(&prefix, encoding),
            delimiter: self.delimiter.map(|delimiter| encoded(&delimiter, encoding)),
            max_keys,
            is_truncated: next.is_some(),
            key_marker: encoded(&key_marker, encoding),
            version_id_marker,
            next_key_marker: next.as_ref().map(|(key, _)| encoded(key, encoding)),
            next_version_id_marker: next.map(|(_, id)| id),
            versions,
            delete_markers,
            common_prefixes: prefixes(found.common_prefixes, encoding),
            encoding_type: self.encoding_type,
        })
    }
}

/// The name after which the page starts.
fn after(
    entries: &[(String, (String, usize, Version))],
    key_marker: &str,
    version_id_marker: &str,
) -> Option<String> {
    if key_marker.is_empty() {
        return None;
    }
    let marked =
        entries.iter().find(|(_, (key, _, version))| key == key_marker && version.id == version_id_marker);
    // Without a version: all versions of the marked key are behind.
    Some(marked.map_or_else(|| format!("{key_marker}\0~"), |(name, _)| name.clone()))
}

fn entry(key: String, is_latest: bool, (version, account): (Version, &str)) -> VersionEntry {
    let (etag, size) = version.content.map(|content| (content.etag, content.size)).unzip();
    VersionEntry {
        key,
        version_id: version.id,
        is_latest,
        last_modified: version.modified,
        owner: owner(account),
        storage_class: size.map(|_| "STANDARD"),
        etag,
        size,
    }
}
