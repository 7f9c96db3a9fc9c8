//! Listing the newest versions of keys.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};

use super::super::listing::{Page, Query, encoded, page};
use super::super::refusals::invalid_argument;
use super::super::store::{ObjectStore, object_key};
use super::{Owner, bucket_arn, owner};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// AWS's limit of keys in one answer.
pub(super) const MOST_KEYS: usize = 1000;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ObjectEntry {
    pub key: String,
    pub last_modified: Epoch,
    /// With its quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
    pub size: u64,
    pub storage_class: &'static str,
    pub owner: Option<Owner>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CommonPrefix {
    pub prefix: String,
}

/// The objects of a bucket that are not deleted, by key.
fn objects(store: &ObjectStore, bucket: &str, query: &Query<'_>) -> Result<Page<ObjectEntry>, ServiceError> {
    store.bucket(bucket)?;
    let rows = store.objects.with_prefix(&object_key(bucket, query.prefix));
    let current = rows.into_iter().filter_map(|(row, mut object)| {
        let key = row.split_once('\n')?.1.to_owned();
        let version = object.versions.pop()?;
        let content = version.content?;
        let entry = ObjectEntry {
            key: key.clone(),
            last_modified: version.modified,
            etag: content.etag,
            size: content.size,
            storage_class: "STANDARD",
            owner: None,
        };
        Some((key, entry))
    });
    Ok(page(current.collect(), query))
}

pub(super) fn prefixes(found: Vec<String>, encoding: Option<&str>) -> Vec<CommonPrefix> {
    found.into_iter().map(|prefix| CommonPrefix { prefix: encoded(&prefix, encoding) }).collect()
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListObjectsV2 {
    pub bucket: String,
    pub prefix: Option<String>,
    pub delimiter: Option<String>,
    pub max_keys: Option<usize>,
    pub continuation_token: Option<String>,
    pub start_after: Option<String>,
    pub fetch_owner: Option<bool>,
    pub encoding_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListObjectsV2Output {
    pub name: String,
    pub prefix: String,
    pub delimiter: Option<String>,
    pub max_keys: usize,
    pub key_count: usize,
    pub is_truncated: bool,
    pub contents: Vec<ObjectEntry>,
    pub common_prefixes: Vec<CommonPrefix>,
    pub continuation_token: Option<String>,
    pub next_continuation_token: Option<String>,
    pub start_after: Option<String>,
    pub encoding_type: Option<String>,
}

impl Operation for ListObjectsV2 {
    type Output = ListObjectsV2Output;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "ListObjectsV2";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<ListObjectsV2Output, ServiceError> {
        let token = self.continuation_token.as_deref().map(decode_token).transpose()?;
        let prefix = self.prefix.unwrap_or_default();
        let max_keys = self.max_keys.unwrap_or(MOST_KEYS).min(MOST_KEYS);
        let query = Query {
            prefix: &prefix,
            delimiter: self.delimiter.as_deref(),
            after: token.as_deref().or(self.start_after.as_deref()),
            most: max_keys,
        };
        let mut found = objects(&call.cloud.part::<ObjectStore>(), &self.bucket, &query)?;
        let encoding = self.encoding_type.as_deref();
        for entry in &mut found.items {
            entry.key = encoded(&entry.key, encoding);
            entry.owner = (self.fetch_owner == Some(true)).then(|| owner(call.cloud.account()));
        }
        Ok(ListObjectsV2Output {
            name: self.bucket,
            prefix: encoded(&prefix, encoding),
            delimiter: self.delimiter.map(|delimiter| encoded(&delimiter, encoding)),
            max_keys,
            key_count: found.items.len() + found.common_prefixes.len(),
            is_truncated: found.next.is_some(),
            contents: found.items,
            common_prefixes: prefixes(found.common_prefixes, encoding),
            continuation_token: self.continuation_token,
            next_continuation_token: found.next.map(|next| BASE64_STANDARD.encode(next)),
            start_after: self.start_after.map(|after| encoded(&after, encoding)),
            encoding_type: self.encoding_type,
        })
    }
}

fn decode_token(token: &str) -> Result<String, ServiceError> {
    let bytes = BASE64_STANDARD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

/// The first version of listing, which some clients still use.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListObjects {
    pub bucket: String,
    pub prefix: Option<String>,
    pub delimiter: Option<String>,
    pub max_keys: Option<usize>,
    pub marker: Option<String>,
    pub encoding_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListObjectsOutput {
    pub name: String,
    pub prefix: String,
    pub delimiter: Option<String>,
    pub marker: String,
    pub next_marker: Option<String>,
    pub max_keys: usize,
    pub is_truncated: bool,
    pub contents: Vec<ObjectEntry>,
    pub common_prefixes: Vec<CommonPrefix>,
    pub encoding_type: Option<String>,
}

impl Operation for ListObjects {
    type Output = ListObjectsOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "ListObjects";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<ListObjectsOutput, ServiceError> {
        let prefix = self.prefix.unwrap_or_default();
        let max_keys = self.max_keys.unwrap_or(MOST_KEYS).min(MOST_KEYS);
        let marker = self.marker.unwrap_or_default();
        let query = Query {
            prefix: &prefix,
            delimiter: self.delimiter.as_deref(),
            after: Some(marker.as_str()).filter(|marker| !marker.is_empty()),
            most: max_keys,
        };
        let mut found = objects(&call.cloud.part::<ObjectStore>(), &self.bucket, &query)?;
        let encoding = self.encoding_type.as_deref();
        for entry in &mut found.items {
            entry.key = encoded(&entry.key, encoding);
            entry.owner = Some(owner(call.cloud.account()));
        }
        Ok(ListObjectsOutput {
            name: self.bucket,
            prefix: encoded(&prefix, encoding),
            is_truncated: found.next.is_some(),
            // AWS answers it only with a delimiter: else the last key is the next marker.
            next_marker: found.next.filter(|_| self.delimiter.is_some()).map(|next| encoded(&next, encoding)),
            delimiter: self.delimiter.map(|delimiter| encoded(&delimiter, encoding)),
            marker: encoded(&marker, encoding),
            max_keys,
            contents: found.items,
            common_prefixes: prefixes(found.common_prefixes, encoding),
            encoding_type: self.encoding_type,
        })
    }
}
