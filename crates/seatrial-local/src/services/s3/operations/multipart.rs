//! Multipart uploads: begin, complete, abort.

use std::time::Duration;

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::super::conditions::WriteConditions;
use super::super::encryption::{AskedEncryption, ShownEncryption};
use super::super::refusals::conditional_conflict;
use super::super::store::{Completed, Content, Description, Encryption, ObjectStore, PartFile, Upload};
use super::objects::shown;
use super::{Empty, object_arn};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// All parts but the last have at least 5 MiB.
const SMALLEST_PART: u64 = 5 << 20;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateMultipartUpload {
    pub bucket: String,
    pub key: String,
    #[serde(flatten)]
    pub description: Description,
    #[serde(flatten)]
    pub encryption: AskedEncryption,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateMultipartUploadOutput {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    #[serde(flatten)]
    pub encryption: ShownEncryption,
}

impl Operation for CreateMultipartUpload {
    type Output = CreateMultipartUploadOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "CreateMultipartUpload";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<CreateMultipartUploadOutput, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        let bucket = store.bucket(&self.bucket)?;
        let encryption = self.encryption.meet(&call.cloud, &bucket)?;
        let shown_encryption = encryption.shown();
        let upload = Upload {
            id: crate::id::secret(64),
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            initiated: call.cloud.clock().now(),
            description: self.description,
            encryption,
            parts: Default::default(),
            deleted_since: false,
            completed: None,
        };
        forget_completed(&store, upload.initiated)?;
        store.uploads.put(&upload.id, &upload)?;
        let Self { bucket, key, .. } = self;
        Ok(CreateMultipartUploadOutput { bucket, key, upload_id: upload.id, encryption: shown_encryption })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CompleteMultipartUpload {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    #[serde(default)]
    pub multipart_upload: CompletedParts,
    #[serde(flatten)]
    pub conditions: WriteConditions,
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CompletedParts {
    pub parts: Vec<CompletedPart>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CompletedPart {
    #[serde(rename = "ETag")]
    pub etag: String,
    pub part_number: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CompleteMultipartUploadOutput {
    pub location: String,
    pub bucket: String,
    pub key: String,
    #[serde(rename = "ETag")]
    pub etag: String,
    pub version_id: Option<String>,
    #[serde(flatten)]
    pub encryption: ShownEncryption,
}

impl Operation for CompleteMultipartUpload {
    type Output = CompleteMultipartUploadOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "CompleteMultipartUpload";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<CompleteMultipartUploadOutput, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        store.bucket(&self.bucket)?;
        self.conditions.validate()?;
        let is_done = |upload: &Upload| upload.key == self.key && upload.completed.is_some();
        if let Some(upload) = store.uploads.get(&self.upload_id).filter(is_done) {
            let done = upload
                .completed
                .clone()
                .unwrap_or_else(|| Completed { etag: String::new(), version_id: String::new() });
            return Ok(self.output(&call.cloud, done, &upload.encryption));
        }
        let upload = store.upload(&self.upload_id, &self.key)?;
        if upload.deleted_since && self.conditions.if_none_match.is_some() {
            let current = store.content(&self.bucket, &self.key, None).ok().map(|(_, content)| content);
            self.conditions.check(&self.key, current.as_ref())?;
            return Err(conditional_conflict("If-None-Match", &self.key));
        }
        upload.encryption.check(&call.cloud)?;
        let parts = chosen(&upload, &self.multipart_upload.parts)?;
        let mut digests = Md5::new();
        for part in &parts {
            digests.update(hex::decode(part.etag.trim_matches('"')).unwrap_or_default());
        }
        let files: Vec<&str> = parts.iter().map(|part| part.file.as_str()).collect();
        let content = Content {
            file: store.join(&files)?,
            size: parts.iter().map(|part| part.size).sum(),
            etag: format!("\"{}-{}\"", hex::encode(digests.finalize()), parts.len()),
            description: upload.description.clone(),
            checksums: Default::default(),
            tags: Vec::new(),
            encryption: upload.encryption.clone(),
        };
        let (etag, now) = (content.etag.clone(), call.cloud.clock().now());
        let may = |current: Option<&Content>| self.conditions.check(&self.key, current);
        let id = store.add((&self.bucket, &self.key), Some(content), (now, may))?;
        let done = Completed { etag, version_id: id };
        store.uploads.update(&upload.id, |upload| {
            upload.completed = Some(done.clone());
            upload.initiated = now;
            upload.parts.clear();
        })?;
        upload.parts.values().for_each(|part| store.delete(&part.file));
        Ok(self.output(&call.cloud, done, &upload.encryption))
    }
}

impl CompleteMultipartUpload {
    fn output(
        self,
        cloud: &Cloud,
        done: Completed,
        encryption: &Encryption,
    ) -> CompleteMultipartUploadOutput {
        CompleteMultipartUploadOutput {
            location: format!("{}/{}/{}", cloud.endpoint(), self.bucket, self.key),
            bucket: self.bucket,
            key: self.key,
            etag: done.etag,
            version_id: shown(done.version_id),
            encryption: encryption.shown(),
        }
    }
}

/// How long a completed upload is known: AWS names no time; a client repeats a call within minutes.
const COMPLETED_KEPT: Duration = Duration::from_secs(24 * 3600);

fn forget_completed(store: &ObjectStore, now: Epoch) -> Result<(), ServiceError> {
    let is_old = |upload: &Upload| upload.completed.is_some() && now.since(upload.initiated) > COMPLETED_KEPT;
    for upload in store.uploads.values().into_iter().filter(is_old) {
        store.uploads.remove(&upload.id)?;
    }
    Ok(())
}

/// The parts that the client lists, which must be there, in order, and large enough.
fn chosen<'a>(upload: &'a Upload, listed: &[CompletedPart]) -> Result<Vec<&'a PartFile>, ServiceError> {
    let mut parts = Vec::with_capacity(listed.len());
    if listed.is_empty() {
        return Err(ServiceError::new("InvalidRequest", "You must specify at least one part"));
    }
    if !listed.is_sorted_by(|a, b| a.part_number < b.part_number) {
        let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
        return Err(ServiceError::new("InvalidPartOrder", message));
    }
    for wanted in listed {
        let part = upload.parts.get(&wanted.part_number);
        let same = |part: &&PartFile| part.etag.trim_matches('"') == wanted.etag.trim_matches('"');
        parts.push(part.filter(same).ok_or_else(|| {
            let message = "One or more of the specified parts could not be found.  The part may not have been \
                           uploaded, or the specified entity tag may not match the part's entity tag.";
            ServiceError::new("InvalidPart", message)
        })?);
    }
    // Recorded: `test_multipart_complete_multipart_too_small`.
    let all_but_last = listed.iter().zip(&parts).take(parts.len() - 1);
    if let Some((listed, part)) = all_but_last.into_iter().find(|(_, part)| part.size < SMALLEST_PART) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        let mut error = ServiceError::new("EntityTooSmall", message);
        let members = [
            ("MinSizeAllowed", SMALLEST_PART.to_string()),
            ("PartNumber", listed.part_number.to_string()),
            ("ProposedSize", part.size.to_string()),
            ("ETag", part.etag.trim_matches('"').to_owned()),
        ];
        error.members.extend(members.map(|(name, value)| (name.to_owned(), value.into())));
        return Err(error);
    }
    Ok(parts)
}

fn end(store: &ObjectStore, upload: &Upload) -> Result<(), ServiceError> {
    store.uploads.remove(&upload.id)?;
    for part in upload.parts.values() {
        store.delete(&part.file);
    }
    Ok(())
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AbortMultipartUpload {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
}

impl Operation for AbortMultipartUpload {
    type Output = Empty;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "AbortMultipartUpload";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<ObjectStore>();
        end(&store, &store.upload(&self.upload_id, &self.key)?)?;
        Ok(Empty {})
    }
}
