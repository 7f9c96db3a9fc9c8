//! What ECR keeps: records in tables, layers as files named by their digest.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::clock::{Clock, Epoch};
use crate::cloud::{Cloud, Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;
use crate::principal::Principal;
use crate::tags::Tag;
use crate::wildcards::Wildcards;

/// ECR's state. Keys: a repository's name; `NAME@DIGEST` of images and layers; `NAME:TAG` of tags. Neither `@`
/// nor `:` can occur in a repository's name.
pub(crate) struct Ecr {
    pub(super) repositories: Table<RepositoryRow>,
    pub(super) images: Table<ImageRow>,
    pub(super) tags: Table<TagRow>,
    pub(super) layers: Table<LayerRow>,
    pub(super) uploads: Table<UploadRow>,
    /// By the hash of the password: the log holds no password.
    pub(super) tokens: Table<TokenRow>,
    /// Uploads that a part is received for, or that are completed.
    busy: std::sync::Mutex<HashSet<String>>,
    /// Held while images or layers are checked and then changed.
    pub(super) changing: Mutex<()>,
    /// Signs the addresses of layers; another one at each start.
    pub(super) signing_key: String,
    pub(super) clock: Clock,
    dir: PathBuf,
}

impl Part for Ecr {
    fn open(setup: &Setup) -> Self {
        let database = &setup.database;
        Self {
            repositories: database.table("ecr-repositories"),
            images: database.table("ecr-images"),
            tags: database.table("ecr-tags"),
            layers: database.table("ecr-layers"),
            uploads: database.table("ecr-uploads"),
            tokens: database.table("ecr-tokens"),
            busy: Default::default(),
            changing: Mutex::default(),
            signing_key: crate::id::secret(40),
            clock: setup.clock,
            dir: setup.data_dir.join("registry"),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RepositoryRow {
    pub name: String,
    pub created_at: Epoch,
    pub mutability: Mutability,
    pub filters: Vec<ExclusionFilter>,
    pub scanning: Scanning,
    pub encryption: Encryption,
    pub lifecycle_policy: Option<String>,
    /// JSON: who may what with it.
    #[serde(default)]
    pub policy: Option<String>,
    pub tags: Vec<Tag>,
}

/// Which tags may be moved to another image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Mutability {
    #[default]
    Mutable,
    Immutable,
    /// Those that a filter matches are mutable.
    ImmutableWithExclusion,
    /// Those that a filter matches are immutable.
    MutableWithExclusion,
}

/// Tags that are excluded from a repository's mutability; `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExclusionFilter {
    pub filter_type: String,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Scanning {
    pub scan_on_push: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Encryption {
    pub encryption_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
}

impl Default for Encryption {
    fn default() -> Self {
        Self { encryption_type: "AES256".to_owned(), kms_key: None }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ImageRow {
    pub digest: String,
    pub media_type: String,
    pub artifact_media_type: Option<String>,
    /// As it was pushed, to the byte.
    pub manifest: String,
    /// Bytes of config and layers, compressed; of an index those of its largest image.
    pub size: u64,
    /// Digests of the images of an index.
    pub children: Vec<String>,
    pub pushed_at: Epoch,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TagRow {
    pub digest: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LayerRow {
    pub size: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UploadRow {
    pub repository: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TokenRow {
    pub principal: Principal,
    pub expires_at: Epoch,
}

impl Ecr {
    pub(super) fn repository(&self, cloud: &Cloud, name: &str) -> Result<RepositoryRow, ServiceError> {
        self.repositories.get(name).ok_or_else(|| super::error::no_repository(cloud, name))
    }

    /// Whose password it is; `None`: nobody's, or it has expired.
    pub(crate) fn authenticate(&self, password: &str) -> Option<Principal> {
        let token = self.tokens.get(&digest(password.as_bytes()))?;
        (self.clock.now() < token.expires_at).then_some(token.principal)
    }

    /// The file of a layer, whether it exists or not. The digest must be valid: see [`is_digest`].
    pub(crate) fn layer_file(&self, digest: &str) -> PathBuf {
        self.dir.join("blobs").join(digest.replacen(':', "/", 1))
    }

    /// The folder of all layers.
    pub(super) fn blobs(&self) -> PathBuf {
        self.dir.join("blobs").join("sha256")
    }

    pub(crate) fn upload_file(&self, upload: &str) -> PathBuf {
        self.dir.join("uploads").join(upload)
    }

    /// Whether `upload` is under way in `repository`.
    pub(crate) fn is_uploading(&self, repository: &str, upload: &str) -> bool {
        self.uploads.get(upload).is_some_and(|row| row.repository == repository)
    }

    /// Has nobody else write to an upload, or complete it, while the answer lives. `None`: somebody does already. Else a
    /// layer could get bytes that were sent after its digest was compared.
    pub(super) fn hold_upload(self: &Arc<Self>, upload: &str) -> Option<UploadHold> {
        let is_free = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(upload.to_owned());
        is_free.then(|| UploadHold { ecr: Arc::clone(self), upload: upload.to_owned() })
    }

    /// Ends an upload without a layer; whether there was one.
    pub(crate) fn cancel_upload(&self, repository: &str, upload: &str) -> Result<bool, ServiceError> {
        if !self.is_uploading(repository, upload) {
            return Ok(false);
        }
        self.uploads.remove(upload)?;
        remove_file(&self.upload_file(upload));
        Ok(true)
    }

    /// The tags of an image, sorted.
    pub(super) fn tags_of(&self, repository: &str, digest: &str) -> Vec<String> {
        let prefix = format!("{repository}:");
        let rows = self.tags.with_prefix(&prefix);
        let ours = rows.into_iter().filter(|(_, row)| row.digest == digest);
        ours.map(|(key, _)| key[prefix.len()..].to_owned()).collect()
    }
}

/// See [`Ecr::hold_upload`].
pub(super) struct UploadHold {
    ecr: Arc<Ecr>,
    upload: String,
}

impl Drop for UploadHold {
    fn drop(&mut self) {
        self.ecr.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.upload);
    }
}

impl RepositoryRow {
    /// Whether `tag` may be moved to another image.
    pub fn is_mutable(&self, tag: &str) -> bool {
        let excluded = || self.filters.iter().any(|filter| Wildcards::of_stars(&filter.filter).fits(tag));
        match self.mutability {
            Mutability::Mutable => true,
            Mutability::Immutable => false,
            Mutability::ImmutableWithExclusion => excluded(),
            Mutability::MutableWithExclusion => !excluded(),
        }
    }
}

/// The digest of `bytes`: `sha256:…`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// `sha256:` and 64 lower-case hex digits: the only digests that are kept, and safe as names of files.
pub(crate) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Removes a file that nothing refers to any more; one that stays costs only its space.
pub(super) fn remove_file(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file of the registry stays");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Wildcards::of_stars(pattern).fits(text)
    }

    #[test]
    fn a_filter_matches_whole_tags() {
        assert!(matches("latest", "latest"));
        assert!(!matches("latest", "latest-2"));
        assert!(matches("dev-*", "dev-1"));
        assert!(matches("*-rc*", "1.0-rc2"));
        assert!(!matches("*-rc", "1.0-rc2"));
    }

    #[test]
    fn a_digest_that_could_leave_the_folder_is_none() {
        assert!(is_digest(&digest(b"")));
        assert!(!is_digest("sha256:../../etc/passwd"));
        assert!(!is_digest(&digest(b"").to_uppercase()));
    }
}
