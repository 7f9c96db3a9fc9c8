//! Parts of multipart uploads.

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::body::Body;
use super::super::refusals::invalid_argument;
use super::super::store::{ObjectStore, PartFile};
use super::copy::source;
use super::objects::{Checksums, GetObject};
use super::{bucket_arn, object_arn, owner};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UploadPart {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    /// 1 to 10,000.
    pub part_number: u32,
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
    pub server_side_encryption: &'static str,
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
        store.upload(&self.upload_id, &self.key)?;
        if !(1..=10_000).contains(&self.part_number) {
            return Err(invalid_argument("Part number must be an integer between 1 and 10000, inclusive"));
        }
        let part = PartFile {
            file: store.write(&self.body.0)?,
            size: self.body.0.len() as u64,
            etag: format!("\"{}\"", hex::encode(Md5::digest(&self.body.0))),
            modified: call.cloud.clock().now(),
        };
        let etag = part.etag.clone();
        let added = store.uploads.update(&self.upload_id, |row| row.parts.insert(self.part_number, part))?;
        if let Some(Some(replaced)) = added {
            store.delete(&replaced.file);
        }
        Ok(UploadPartOutput { etag, checksums: self.checksums, server_side_encryption: "AES256" })
    }
}

/// A part that is a range of an object that is there already.
#[derive(Deserialize, Default)]
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListParts {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
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
        let parts = upload.parts.iter().map(|(number, part)| {
            json!({
                "PartNumber": number, "LastModified": part.modified, "ETag": part.etag, "Size": part.size,
            })
        });
        Ok(json!({
            "Bucket": self.bucket, "Key": self.key, "UploadId": self.upload_id,
            "Parts": parts.collect::<Vec<_>>(), "IsTruncated": false, "MaxParts": 1000, "StorageClass": "STANDARD",
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListMultipartUploads {
    pub bucket: String,
    #[serde(default)]
    pub prefix: Option<String>,
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
        uploads.retain(|upload| upload.bucket == self.bucket && upload.key.starts_with(&prefix));
        let owner = owner(call.cloud.account());
        let uploads = uploads.iter().map(|upload| {
            json!({
                "UploadId": upload.id, "Key": upload.key, "Initiated": upload.initiated,
                "StorageClass": "STANDARD", "Owner": owner, "Initiator": { "ID": owner.id },
            })
        });
        Ok(json!({
            "Bucket": self.bucket, "Prefix": prefix, "MaxUploads": 1000, "IsTruncated": false,
            "Uploads": uploads.collect::<Vec<_>>(),
        }))
    }
}
