//! Deleting objects and versions.

use serde::{Deserialize, Serialize};

use super::super::conditions::same;
use super::super::refusals::{malformed_xml, no_such_version, precondition_failed};
use super::super::store::ObjectStore;
use super::objects::shown;
use super::{bucket_arn, object_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Deletes one version for good, or puts a delete marker on top where the bucket keeps versions.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DeleteObject {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    /// The entity tag that the object must have; `*`: it must be there.
    pub if_match: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteObjectOutput {
    pub delete_marker: Option<bool>,
    pub version_id: Option<String>,
}

impl Operation for DeleteObject {
    type Output = DeleteObjectOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "DeleteObject";

    fn resource(&self, _cloud: &Cloud) -> String {
        object_arn(&self.bucket, &self.key)
    }

    async fn handle(self, call: &Call) -> Result<DeleteObjectOutput, ServiceError> {
        let Self { bucket, key, version_id, if_match } = self;
        call.cloud.part::<ObjectStore>().check_version(&bucket, version_id.as_deref())?;
        if let Some(etag) = if_match {
            let found = call.cloud.part::<ObjectStore>().content(&bucket, &key, version_id.as_deref());
            if !found.is_ok_and(|(_, content)| same(&content.etag, &etag)) {
                return Err(precondition_failed("If-Match"));
            }
        }
        delete(call, &bucket, (&key, version_id.as_deref()))
    }
}

fn delete(
    call: &Call,
    bucket: &str,
    (key, version_id): (&str, Option<&str>),
) -> Result<DeleteObjectOutput, ServiceError> {
    let store = call.cloud.part::<ObjectStore>();
    let versioning = store.bucket(bucket)?.versioning;
    match (version_id, versioning) {
        (Some(id), _) => {
            let removed = store.remove((bucket, key), id)?;
            store.deleted(bucket, key)?;
            let marker = removed.is_some_and(|version| version.content.is_none());
            Ok(DeleteObjectOutput { delete_marker: marker.then_some(true), version_id: Some(id.to_owned()) })
        }
        (None, None) => {
            store.remove((bucket, key), "null")?;
            store.deleted(bucket, key)?;
            Ok(DeleteObjectOutput { delete_marker: None, version_id: None })
        }
        (None, Some(_)) => {
            let id = store.add((bucket, key), None, (call.cloud.clock().now(), |_| Ok(())))?;
            Ok(DeleteObjectOutput { delete_marker: Some(true), version_id: Some(id) })
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteObjects {
    pub bucket: String,
    pub delete: Delete,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Delete {
    pub objects: Vec<ObjectIdentifier>,
    /// True: only errors are answered.
    #[serde(default)]
    pub quiet: Option<bool>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ObjectIdentifier {
    pub key: String,
    #[serde(default)]
    pub version_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteObjectsOutput {
    pub deleted: Vec<DeletedObject>,
    pub errors: Vec<DeleteError>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeletedObject {
    pub key: String,
    pub version_id: Option<String>,
    pub delete_marker: Option<bool>,
    pub delete_marker_version_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteError {
    pub key: String,
    pub version_id: Option<String>,
    pub code: String,
    pub message: String,
}

impl Operation for DeleteObjects {
    type Output = DeleteObjectsOutput;
    const SERVICE: &'static str = "s3";
    const NAME: &'static str = "DeleteObjects";

    fn resource(&self, _cloud: &Cloud) -> String {
        format!("{}/*", bucket_arn(&self.bucket))
    }

    async fn handle(self, call: &Call) -> Result<DeleteObjectsOutput, ServiceError> {
        call.cloud.part::<ObjectStore>().bucket(&self.bucket)?;
        if self.delete.objects.is_empty() || self.delete.objects.len() > 1000 {
            return Err(malformed_xml());
        }
        let mut output = DeleteObjectsOutput { deleted: Vec::new(), errors: Vec::new() };
        for ObjectIdentifier { key, version_id } in self.delete.objects {
            // Recorded: `test_delete_objects`: here a version that no bucket gave is one that is not there.
            let known = call.cloud.part::<ObjectStore>().check_version(&self.bucket, version_id.as_deref());
            let known = known.map_err(|_| no_such_version(&key, version_id.as_deref().unwrap_or_default()));
            match known.and_then(|()| delete(call, &self.bucket, (&key, version_id.as_deref()))) {
                Ok(done) => output.deleted.push(DeletedObject {
                    key,
                    version_id,
                    delete_marker: done.delete_marker,
                    delete_marker_version_id: done.delete_marker.and(done.version_id).and_then(shown),
                }),
                Err(ServiceError { code, message, .. }) => {
                    output.errors.push(DeleteError { key, version_id, code, message });
                }
            }
        }
        if self.delete.quiet == Some(true) {
            output.deleted.clear();
        }
        Ok(output)
    }
}
