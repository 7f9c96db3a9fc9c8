//! Parts of multipart uploads.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::body::Body;
use super::super::conditions::SourceConditions;
use super::super::encryption::ShownEncryption;
use super::super::refusals::invalid_argument;
use super::super::store::{Kept, ObjectStore, PartFile, Upload};
use super::copy::source;
use super::objects::{Checksums, GetObject};
use super::{bucket_arn, object_arn, owner};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UploadPart {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    /// 1 to 10,000.
    pub part_number: u32,
    #[serde(skip_serializing)]
    pub body: Body,
    #[serde(flatten)]
    pub checksums: Checksums,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UploadPartOutput {
    #[serde(rename = "ETag")]
    pub etag: String,
    #[serde(flatten)]
    pub checksums: Checksums,
    #[serde(flatten)]
    pub encryption: ShownEncryption,
}

impl Operation for UploadPart {
    type Output = UploadPartOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "UploadPart";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<UploadPartOutput, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        store.bucket(&self.bucket)?;
        let upload = store.upload(&self.upload_id, &self.key)?;
        upload.encryption.check(&call.cloud)?;
        if !(1..=10_000).contains(&self.part_number) {
            return Err(invalid_argument("Part number must be an integer between 1 and 10000, inclusive"));
        }
        let Kept { file, size, etag } = store.keep(&self.body)?;
        let part = PartFile { file, size, etag, modified: call.cloud.clock().now() };
        let etag = part.etag.clone();
        let added = store.uploads.update(&self.upload_id, |row| row.parts.insert(self.part_number, part))?;
        if let Some(Some(replaced)) = added {
            store.delete(&replaced.file);
        }
        Ok(UploadPartOutput { etag, checksums: self.checksums, encryption: upload.encryption.shown() })
    }
}

/// A part that is a range of an object that is there already.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UploadPartCopy {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    pub part_number: u32,
    /// As in `CopyObject`.
    pub copy_source: String,
    /// `bytes=FIRST-LAST`; the whole object unless told otherwise.
    pub copy_source_range: Option<String>,
    #[serde(flatten)]
    pub source: SourceConditions,
}

impl Operation for UploadPartCopy {
    type Output = Value;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "UploadPartCopy";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let (bucket, key, version_id) = source(&self.copy_source)?;
        let store = call.cloud.part::<ObjectStore>();
        let (version, content) = store.content(&bucket, &key, version_id.as_deref())?;
        self.source.check(&version, &content, call.cloud.clock().now())?;
        let from = GetObject { bucket, key, version_id, range: self.copy_source_range, ..Default::default() };
        let from = call.cloud.call(&call.principal, from).await?;
        let part = UploadPart {
            bucket: self.bucket,
            key: self.key,
            upload_id: self.upload_id,
            part_number: self.part_number,
            body: from.body,
            checksums: Checksums::default(),
        };
        let part = call.cloud.call(&call.principal, part).await?;
        let copied = json!({ "ETag": part.etag, "LastModified": call.cloud.clock().now() });
        Ok(json!({ "CopyPartResult": copied, "CopySourceVersionId": from.object.version_id }))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListParts {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    /// The last part of the page before.
    #[serde(default)]
    pub part_number_marker: Option<i64>,
    #[serde(default)]
    pub max_parts: Option<i64>,
}

impl Operation for ListParts {
    type Output = Value;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "ListParts";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let upload = call.cloud.part::<ObjectStore>().upload(&self.upload_id, &self.key)?;
        let after = self.part_number_marker.unwrap_or(0);
        let most = page_size("max-parts", self.max_parts)?;
        let mut parts: Vec<_> =
            upload.parts.iter().filter(|(number, _)| i64::from(**number) > after).collect();
        let is_truncated = parts.len() > most;
        parts.truncate(most);
        let last = parts.last().map_or(after, |(number, _)| i64::from(**number));
        let parts = parts.into_iter().map(|(number, part)| {
            json!({
                "PartNumber": number, "LastModified": part.modified, "ETag": part.etag, "Size": part.size,
            })
        });
        Ok(json!({
            "Bucket": self.bucket, "Key": self.key, "UploadId": self.upload_id,
            "PartNumberMarker": after, "NextPartNumberMarker": last,
            "Parts": parts.collect::<Vec<_>>(), "IsTruncated": is_truncated, "MaxParts": most,
            "StorageClass": "STANDARD",
        }))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListMultipartUploads {
    pub bucket: String,
    #[serde(default)]
    pub prefix: Option<String>,
    /// Key and id of the last upload of the page before.
    #[serde(default)]
    pub key_marker: Option<String>,
    #[serde(default)]
    pub upload_id_marker: Option<String>,
    #[serde(default)]
    pub max_uploads: Option<i64>,
}

impl Operation for ListMultipartUploads {
    type Output = Value;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "ListMultipartUploads";

    fn resource(&self, _cloud: &Cloud) -> String {
        bucket_arn(&self.bucket)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        store.bucket(&self.bucket)?;
        let prefix = self.prefix.unwrap_or_default();
        let mut uploads = store.uploads.values();
        uploads.retain(|upload| {
            upload.completed.is_none() && upload.bucket == self.bucket && upload.key.starts_with(&prefix)
        });
        // S3 lists by key, then by time. Without a key, an id is ignored.
        uploads.sort_by(|a, b| {
            a.key.cmp(&b.key).then(a.initiated.0.total_cmp(&b.initiated.0)).then(a.id.cmp(&b.id))
        });
        let key_marker = self.key_marker.unwrap_or_default();
        let id_marker = self.upload_id_marker.filter(|_| !key_marker.is_empty()).unwrap_or_default();
        let is_marked = |upload: &Upload| upload.key == key_marker && upload.id == id_marker;
        match uploads.iter().position(is_marked) {
            Some(position) => drop(uploads.drain(..=position)),
            None if id_marker.is_empty() => uploads.retain(|upload| upload.key > key_marker),
            None => return Err(invalid_argument("Invalid uploadId marker")),
        }
        let most = page_size("max-uploads", self.max_uploads)?;
        let is_truncated = uploads.len() > most;
        uploads.truncate(most);
        let last = uploads.last().filter(|_| is_truncated);
        let next = last.map(|upload| (upload.key.clone(), upload.id.clone()));
        let owner = owner(call.cloud.account());
        let uploads = uploads.iter().map(|upload| {
            json!({
                "UploadId": upload.id, "Key": upload.key, "Initiated": upload.initiated,
                "StorageClass": "STANDARD", "Owner": owner, "Initiator": { "ID": owner.id },
            })
        });
        let mut output = json!({
            "Bucket": self.bucket, "Prefix": prefix, "KeyMarker": key_marker, "UploadIdMarker": id_marker,
            "MaxUploads": most, "IsTruncated": is_truncated, "Uploads": uploads.collect::<Vec<_>>(),
        });
        if let Some((key, id)) = next {
            output["NextKeyMarker"] = Value::String(key);
            output["NextUploadIdMarker"] = Value::String(id);
        }
        Ok(output)
    }
}

/// At most a thousand, the default; more may be asked for, in vain.
fn page_size(name: &str, asked: Option<i64>) -> Result<usize, ServiceError> {
    let asked = asked.unwrap_or(1000);
    let wrong = || invalid_argument(format!("Argument {name} must be an integer between 0 and 2147483647"));
    usize::try_from(asked).map(|asked| asked.min(1000)).map_err(|_| wrong())
}
