//! Buckets and objects as records, bytes as files.
//!
//! A file is written before the record that names it, so a record never names a file that is not there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::{Body, reader};
use super::refusals::{
    invalid_version, is_delete_marker, marked, no_such_bucket, no_such_key, no_such_upload, no_such_version,
};
use crate::blocking::blocking;
use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Bucket {
    pub name: String,
    pub created: Epoch,
    /// `Enabled`, `Suspended`; `None`: never enabled.
    pub versioning: Option<String>,
    /// Policy, encryption, lifecycle and the like, as they were put.
    pub settings: BTreeMap<String, Value>,
}

/// All versions of one key, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Object {
    pub versions: Vec<Version>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    /// `null` for one that was made while versioning was off.
    pub id: String,
    pub modified: Epoch,
    /// `None`: a delete marker.
    pub content: Option<Content>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Content {
    pub file: String,
    pub size: u64,
    /// With its quotes.
    pub etag: String,
    pub description: Description,
    /// Checksum members by name (`ChecksumCRC32`), as the client sent them.
    pub checksums: BTreeMap<String, String>,
    pub tags: Vec<Value>,
    #[serde(default)]
    pub encryption: Encryption,
}

/// How an object is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Encryption {
    /// Of KMS: of an object an ARN, of a bucket's default as it was named. None: S3's own.
    pub key: Option<String>,
    /// One call of KMS serves many objects: KMS is told the bucket instead of the object.
    pub bucket_key: bool,
}

/// What a client says of an object, answered as it was given.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Description {
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_disposition: Option<String>,
    pub cache_control: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    pub id: String,
    pub bucket: String,
    pub key: String,
    pub initiated: Epoch,
    pub description: Description,
    #[serde(default)]
    pub encryption: Encryption,
    pub parts: BTreeMap<u32, PartFile>,
    /// An object of its key was deleted since it began.
    #[serde(default)]
    pub deleted_since: bool,
    /// It became an object: completing it once more is answered the same.
    #[serde(default)]
    pub completed: Option<Completed>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Completed {
    pub etag: String,
    pub version_id: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PartFile {
    pub file: String,
    pub size: u64,
    pub etag: String,
    pub modified: Epoch,
}

/// A file that was just written.
pub(super) struct Kept {
    pub file: String,
    /// In bytes.
    pub size: u64,
    /// The MD5 of all bytes, with its quotes.
    pub etag: String,
}

pub(super) struct ObjectStore {
    pub buckets: Table<Bucket>,
    pub objects: Table<Object>,
    pub uploads: Table<Upload>,
    folder: PathBuf,
    changing: Mutex<()>,
}

impl Part for ObjectStore {
    fn open(setup: &Setup) -> Self {
        Self {
            buckets: setup.database.table("s3-buckets"),
            objects: setup.database.table("s3-objects"),
            uploads: setup.database.table("s3-uploads"),
            folder: setup.data_dir.join("s3"),
            changing: Mutex::new(()),
        }
    }
}

/// No bucket's name holds a line feed, so no bucket's keys are mixed with another's.
pub(super) fn object_key(bucket: &str, key: &str) -> String {
    format!("{bucket}\n{key}")
}

impl ObjectStore {
    pub fn bucket(&self, name: &str) -> Result<Bucket, ServiceError> {
        self.buckets.get(name).ok_or_else(|| no_such_bucket(name))
    }

    /// A version with content: the newest, or the one with this id.
    pub fn content(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<(Version, Content), ServiceError> {
        self.check_version(bucket, version_id)?;
        let object = self.objects.get(&object_key(bucket, key)).unwrap_or_default();
        let version = match version_id {
            None => object.versions.last().ok_or_else(|| no_such_key(key))?,
            Some(id) => {
                let found = object.versions.iter().find(|version| version.id == id);
                found.ok_or_else(|| no_such_version(key, id))?
            }
        };
        match (&version.content, version_id) {
            (Some(content), _) => Ok((version.clone(), content.clone())),
            (None, None) => Err(marked(no_such_key(key), &version.id)),
            (None, Some(_)) => Err(is_delete_marker("GET", &version.id)),
        }
    }

    /// A bucket that never kept versions has none but `null`.
    pub fn check_version(&self, bucket: &str, version_id: Option<&str>) -> Result<(), ServiceError> {
        let keeps = self.bucket(bucket)?.versioning.is_some();
        match version_id.filter(|id| !keeps && *id != "null") {
            Some(id) => Err(invalid_version(id)),
            None => Ok(()),
        }
    }

    /// Adds a version, or a delete marker, as the bucket's versioning has it, if `may` takes the newest content as it is:
    /// nobody comes between. Answers its id. The file of content that is refused is gone.
    pub fn add(
        &self,
        at: (&str, &str),
        content: Option<Content>,
        (now, may): (Epoch, impl FnOnce(Option<&Content>) -> Result<(), ServiceError>),
    ) -> Result<String, ServiceError> {
        let file = content.as_ref().map(|content| content.file.clone());
        let added = self.add_if(at, content, (now, may));
        if added.is_err() {
            file.iter().for_each(|file| self.delete(file));
        }
        added
    }

    fn add_if(
        &self,
        (bucket, key): (&str, &str),
        content: Option<Content>,
        (now, may): (Epoch, impl FnOnce(Option<&Content>) -> Result<(), ServiceError>),
    ) -> Result<String, ServiceError> {
        let enabled = self.bucket(bucket)?.versioning.as_deref() == Some("Enabled");
        let id = if enabled { crate::id::secret(32) } else { "null".to_owned() };
        let _changing = self.changing();
        let row = object_key(bucket, key);
        let mut object = self.objects.get(&row).unwrap_or_default();
        may(object.versions.last().and_then(|version| version.content.as_ref()))?;
        if content.is_none() {
            self.deleted(bucket, key)?;
        }
        let replaced = (!enabled).then(|| object.versions.iter().position(|version| version.id == id));
        let replaced = replaced.flatten().map(|index| object.versions.remove(index));
        object.versions.push(Version { id: id.clone(), modified: now, content });
        self.objects.put(&row, &object)?;
        self.forget(replaced.iter());
        Ok(id)
    }

    /// Uploads of this key know that an object of it was deleted since they began.
    pub fn deleted(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        let concerned = |upload: &Upload| upload.bucket == bucket && upload.key == key;
        for upload in self.uploads.values().into_iter().filter(concerned) {
            self.uploads.update(&upload.id, |upload| upload.deleted_since = true)?;
        }
        Ok(())
    }

    /// Removes one version for good; `None`: there is no such.
    pub fn remove(&self, (bucket, key): (&str, &str), id: &str) -> Result<Option<Version>, ServiceError> {
        let _changing = self.changing();
        let row = object_key(bucket, key);
        let mut object = self.objects.get(&row).unwrap_or_default();
        let Some(index) = object.versions.iter().position(|version| version.id == id) else {
            return Ok(None);
        };
        let removed = object.versions.remove(index);
        if object.versions.is_empty() {
            self.objects.remove(&row)?;
        } else {
            self.objects.put(&row, &object)?;
        }
        self.forget(std::iter::once(&removed));
        Ok(Some(removed))
    }

    pub fn upload(&self, id: &str, key: &str) -> Result<Upload, ServiceError> {
        let found = self.uploads.get(id).filter(|upload| upload.key == key && upload.completed.is_none());
        found.ok_or_else(|| no_such_upload(id))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps bytes in a new file of its own.
    pub fn keep(&self, body: &Body) -> Result<Kept, ServiceError> {
        let name = crate::id::uuid();
        let failed = |error| internal("write", &name, &error);
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let path = self.folder.join(&name);
        let (size, md5) = match body {
            // It lies in this folder already, hashed.
            Body::Received(received) => {
                std::fs::rename(received.path(), &path).map_err(failed)?;
                (received.size, received.md5)
            }
            Body::Bytes(bytes) => blocking(|| written(&path, &mut &bytes[..])).map_err(failed)?,
            Body::Stored(file, range) => {
                blocking(|| written(&path, &mut reader(file, range)?)).map_err(failed)?
            }
        };
        Ok(Kept { file: name, size, etag: format!("\"{}\"", hex::encode(md5)) })
    }

    pub fn open(&self, file: &str) -> Result<File, ServiceError> {
        File::open(self.folder.join(file)).map_err(|error| internal("read", file, &error))
    }

    /// Puts files one after the other into a new one.
    pub fn join(&self, files: &[&str]) -> Result<String, ServiceError> {
        let name = crate::id::uuid();
        let failed = |error| internal("write", &name, &error);
        let path = self.folder.join(&name);
        let copy = || {
            let mut whole = File::create(&path)?;
            let mut parts = files.iter().map(|file| File::open(self.folder.join(file)));
            parts.try_for_each(|part| std::io::copy(&mut part?, &mut whole).map(drop))
        };
        blocking(copy).inspect_err(|_| drop(std::fs::remove_file(&path))).map_err(failed)?;
        Ok(name)
    }

    /// Deletes a file; one that stays is only wasted space.
    pub fn delete(&self, file: &str) {
        if let Err(error) = std::fs::remove_file(self.folder.join(file)) {
            tracing::debug!(file, %error, "a file of an object stays");
        }
    }

    fn forget<'a>(&self, versions: impl Iterator<Item = &'a Version>) {
        for content in versions.filter_map(|version| version.content.as_ref()) {
            self.delete(&content.file);
        }
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a file, and answers its size and its MD5.
fn written(path: &Path, bytes: &mut dyn Read) -> std::io::Result<(u64, [u8; 16])> {
    let mut copy = || {
        let mut file = File::create(path)?;
        let (mut md5, mut size, mut piece) = (Md5::new(), 0, vec![0; 256 << 10]);
        loop {
            let length = bytes.read(&mut piece)?;
            if length == 0 {
                return Ok((size, md5.finalize().into()));
            }
            md5.update(&piece[..length]);
            file.write_all(&piece[..length])?;
            size += length as u64;
        }
    };
    // What a full disk has taken of it is given back.
    copy().inspect_err(|_| drop(std::fs::remove_file(path)))
}

fn internal(verb: &str, file: &str, error: &std::io::Error) -> ServiceError {
    ServiceError::internal(format!("failed to {verb} file `{file}` of an object: {error}"))
}
