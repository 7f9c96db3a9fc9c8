//! S3: the first source archive, and emptying a bucket before its stack is deleted.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "S3";

impl Aws {
    pub(crate) async fn put_object(&self, bucket: &str, key: &str, body: Vec<u8>) -> Result<(), AwsError> {
        let answer = self.s3().put_object().bucket(bucket).key(key).body(ByteStream::from(body)).send().await;
        answer.attempt(SERVICE, || format!("put object `{key}` into bucket `{bucket}`"))?;
        Ok(())
    }

    /// Deletes every object, version and delete marker of a bucket; answers how many. A bucket that is gone is
    /// empty.
    pub(crate) async fn empty_bucket(&self, bucket: &str) -> Result<usize, AwsError> {
        self.delete_versions(bucket, "").await
    }

    /// Deletes every object whose key begins so, with all versions and delete markers; answers how many.
    pub(crate) async fn delete_versions(&self, bucket: &str, prefix: &str) -> Result<usize, AwsError> {
        let mut count = 0;
        loop {
            let answer = self.s3().list_object_versions().bucket(bucket).prefix(prefix).send().await;
            let page = match answer.attempt(SERVICE, || format!("list the object versions of `{bucket}`")) {
                Err(error) if error.is("NoSuchBucket") => return Ok(count),
                page => page?,
            };
            let versions = page.versions.unwrap_or_default().into_iter().map(|v| (v.key, v.version_id));
            let markers = page.delete_markers.unwrap_or_default().into_iter().map(|m| (m.key, m.version_id));
            let objects: Vec<_> = versions
                .chain(markers)
                .filter_map(|(key, version)| {
                    ObjectIdentifier::builder().key(key?).set_version_id(version).build().ok()
                })
                .collect();
            if objects.is_empty() {
                return Ok(count);
            }
            count += objects.len();
            self.delete_objects(bucket, objects).await?;
        }
    }

    async fn delete_objects(&self, bucket: &str, objects: Vec<ObjectIdentifier>) -> Result<(), AwsError> {
        let attempt = || format!("delete object versions of bucket `{bucket}`");
        let failed = |reason: String, code: Option<String>| AwsError {
            code,
            ..AwsError::here(attempt(), SERVICE, reason)
        };
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let delete = delete.map_err(|error| failed(error.to_string(), None))?;
        let answer = self.s3().delete_objects().bucket(bucket).delete(delete).send().await;
        let errors = answer.attempt(SERVICE, attempt)?.errors.unwrap_or_default();
        match errors.into_iter().next() {
            None => Ok(()),
            Some(error) => {
                let key = error.key.unwrap_or_default();
                let reason = format!("`{key}`: {}", error.message.unwrap_or_default());
                Err(failed(reason, error.code))
            }
        }
    }
}
