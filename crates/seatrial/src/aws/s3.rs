//! S3: the first source archive, and emptying a bucket before its stack is deleted.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "S3";

/// Versions of objects: at most a page, which is what one call deletes.
#[derive(Default)]
pub(crate) struct Objects {
    versions: Vec<ObjectIdentifier>,
    /// There are more pages.
    pub more: bool,
}

impl Objects {
    pub(crate) fn len(&self) -> usize {
        self.versions.len()
    }
}

impl Aws {
    pub(crate) async fn put_object(&self, bucket: &str, key: &str, body: Vec<u8>) -> Result<(), AwsError> {
        let answer = self.s3().put_object().bucket(bucket).key(key).body(ByteStream::from(body)).send().await;
        answer.attempt(SERVICE, || format!("put object `{key}` into bucket `{bucket}`"))?;
        Ok(())
    }

    /// The first page of the objects of a bucket whose keys begin so, with their versions and delete markers. A bucket
    /// that is gone is empty.
    pub(crate) async fn first_objects(&self, bucket: &str, prefix: &str) -> Result<Objects, AwsError> {
        let answer = self.s3().list_object_versions().bucket(bucket).prefix(prefix).send().await;
        let page = match answer.attempt(SERVICE, || format!("list the object versions of `{bucket}`")) {
            Err(error) if error.is("NoSuchBucket") => return Ok(Objects::default()),
            page => page?,
        };
        let versions = page.versions.unwrap_or_default().into_iter().map(|v| (v.key, v.version_id));
        let markers = page.delete_markers.unwrap_or_default().into_iter().map(|m| (m.key, m.version_id));
        let object = |(key, version): (Option<String>, Option<String>)| {
            ObjectIdentifier::builder().key(key?).set_version_id(version).build().ok()
        };
        let more = page.is_truncated.unwrap_or(false);
        Ok(Objects { versions: versions.chain(markers).filter_map(object).collect(), more })
    }

    /// The names of all buckets of the account.
    pub(crate) async fn list_buckets(&self) -> Result<Vec<String>, AwsError> {
        let mut pages = self.s3().list_buckets().into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || "list the buckets".to_owned())?;
            names.extend(page.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name));
        }
        Ok(names)
    }

    pub(crate) async fn delete_objects(
        &self,
        bucket: &str,
        Objects { versions: objects, .. }: Objects,
    ) -> Result<(), AwsError> {
        // S3 takes an empty list for malformed (API reference of DeleteObjects).
        if objects.is_empty() {
            return Ok(());
        }
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
