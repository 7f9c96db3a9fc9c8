//! Artifacts that name an image as their subject, found by what their manifests say.

use serde::Deserialize;
use serde_json::Value;

use super::manifest::Manifest;
use super::store::{Ecr, ImageRow};

/// What is told of an artifact without reading it.
#[derive(Debug)]
pub(crate) struct Referrer {
    pub digest: String,
    pub media_type: String,
    /// Of its manifest, else of its configuration.
    pub artifact_type: Option<String>,
    /// Of its manifest, in bytes.
    pub size: usize,
    pub annotations: Value,
}

impl Referrer {
    fn of(row: ImageRow) -> Self {
        #[derive(Deserialize)]
        struct Annotated {
            #[serde(default)]
            annotations: Value,
        }
        let annotated = serde_json::from_str::<Annotated>(&row.manifest);
        Self {
            digest: row.digest,
            media_type: row.media_type,
            artifact_type: row.artifact_media_type,
            size: row.manifest.len(),
            annotations: annotated.map(|it| it.annotations).unwrap_or_default(),
        }
    }
}

impl Ecr {
    /// Those of the image with this digest, whether it is there or not.
    pub(crate) fn referrers(&self, repository: &str, digest: &str) -> Vec<Referrer> {
        let rows = self.images.with_prefix(&format!("{repository}@")).into_iter().map(|(_, row)| row);
        rows.filter(|row| subject_of(&row.manifest).as_deref() == Some(digest)).map(Referrer::of).collect()
    }
}

/// The image that a manifest says something about.
pub(crate) fn subject_of(manifest: &str) -> Option<String> {
    Manifest::parse(manifest, None).ok()?.subject
}
