//! An image as a registry has it: a configuration, layers, and the manifest that names them.
//!
//! Source: the OCI image specification 1.1 (manifest, configuration, layer media types).

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Media type of the manifest.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const GZIP_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const ZSTD_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// Label that holds the source revision.
pub(crate) const REVISION_LABEL: &str = "org.opencontainers.image.revision";
/// Label that holds where the source is, as a URL.
pub(crate) const SOURCE_LABEL: &str = "org.opencontainers.image.source";
/// The variable that tells the application its source revision.
pub(crate) const COMMIT_VARIABLE: &str = "APP_COMMIT";

/// Bytes under their digest.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) digest: String,
    /// Bytes.
    pub(crate) size: u64,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Here(Bytes),
    /// In the build cache, whose holder is alone in it.
    InFile(PathBuf),
}

impl Blob {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self { digest: digest(&bytes), size: bytes.len() as u64, content: Content::Here(bytes.into()) }
    }

    /// A file whose digest is known.
    pub(crate) fn in_file(path: &Path, digest: String) -> io::Result<Self> {
        let size = path.metadata()?.len();
        Ok(Self { digest, size, content: Content::InFile(path.to_owned()) })
    }

    pub(crate) async fn read(&self) -> io::Result<Bytes> {
        match &self.content {
            Content::Here(bytes) => Ok(bytes.clone()),
            Content::InFile(path) => tokio::fs::read(path).await.map(Bytes::from),
        }
    }

    /// Those that are held here: none of a file's.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Here(bytes) => bytes,
            Content::InFile(_) => &[],
        }
    }
}

/// A layer, and how it is compressed.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) media_type: &'static str,
    pub(crate) blob: Blob,
}

/// A complete image.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) manifest: Blob,
    pub(crate) config: Blob,
    pub(crate) layers: Vec<Layer>,
}

impl Packed {
    pub(crate) fn new(config: &Value, layers: Vec<Layer>) -> io::Result<Self> {
        let config = Blob::of(serde_json::to_vec(config)?);
        let named = |media_type: &str, blob: &Blob| json!({ "mediaType": media_type, "digest": blob.digest, "size": blob.size });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": named(CONFIG_TYPE, &config),
            "layers": layers.iter().map(|layer| named(layer.media_type, &layer.blob)).collect::<Vec<_>>(),
        });
        Ok(Self { manifest: Blob::of(serde_json::to_vec(&manifest)?), config, layers })
    }

    pub(crate) fn digest(&self) -> &str {
        &self.manifest.digest
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.config.size + self.layers.iter().map(|layer| layer.blob.size).sum::<u64>()
    }
}

/// `sha256:` and the hexadecimal hash.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
