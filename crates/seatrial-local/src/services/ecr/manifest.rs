//! Manifests: which layers and images one refers to.

use serde::Deserialize;

use super::error::invalid;
use crate::error::ServiceError;

/// The longest manifest that ECR takes, in bytes.
pub(crate) const LONGEST_MANIFEST: usize = 4 << 20;

const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What is read of a manifest.
#[derive(Debug)]
pub(super) struct Manifest {
    pub media_type: String,
    pub artifact_media_type: Option<String>,
    /// Config and layers that must be in the repository.
    pub layers: Vec<String>,
    /// Images that must be in the repository.
    pub children: Vec<String>,
    /// The image that this one says something about; it need not be there.
    pub subject: Option<String>,
    /// Bytes of config and layers.
    pub size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
}

impl Descriptor {
    /// Layers that nobody may distribute stay where they are.
    fn is_foreign(&self) -> bool {
        self.media_type.contains(".foreign.") || self.media_type.contains("nondistributable")
    }
}

impl Manifest {
    /// Reads a manifest that is pushed as `media_type`, or as what it says itself.
    pub fn parse(text: &str, media_type: Option<&str>) -> Result<Self, ServiceError> {
        let document: Document = serde_json::from_str(text)
            .map_err(|error| invalid(format!("Invalid parameter at 'ImageManifest': {error}")))?;
        if document.schema_version != 2 {
            return Err(invalid("Invalid parameter at 'ImageManifest': expected schemaVersion 2"));
        }
        let is_index = document.manifests.is_some();
        let media_type = match media_type.or(document.media_type.as_deref()) {
            Some(named) => named,
            None if is_index => OCI_INDEX,
            None => OCI_IMAGE,
        };
        let fits = match media_type {
            DOCKER_IMAGE | OCI_IMAGE => !is_index && document.config.is_some(),
            DOCKER_LIST | OCI_INDEX => is_index,
            _ => false,
        };
        let agrees = document.media_type.as_deref().is_none_or(|said| said == media_type);
        if !fits || !agrees {
            let message =
                "Invalid parameter at 'ImageManifest': its media type is not supported or not its own";
            return Err(invalid(format!("{message}: {media_type}")));
        }
        let media_type = media_type.to_owned();
        let config_type = document.config.as_ref().map(|config| config.media_type.clone());
        let parts: Vec<_> = document.config.into_iter().chain(document.layers.unwrap_or_default()).collect();
        let children = document.manifests.unwrap_or_default();
        Ok(Self {
            media_type,
            artifact_media_type: document.artifact_type.or(config_type).filter(|name| !name.is_empty()),
            size: parts.iter().map(|part| part.size).sum(),
            layers: parts.into_iter().filter(|part| !part.is_foreign()).map(|part| part.digest).collect(),
            children: children.into_iter().map(|child| child.digest).collect(),
            subject: document.subject.map(|subject| subject.digest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_its_config_and_layers() {
        let text = r#"{"schemaVersion": 2, "config": {"mediaType": "c", "digest": "sha256:c", "size": 2},
            "layers": [{"mediaType": "l", "digest": "sha256:l", "size": 40}]}"#;
        let manifest = Manifest::parse(text, None).unwrap();
        assert_eq!(manifest.media_type, OCI_IMAGE);
        assert_eq!(manifest.artifact_media_type.as_deref(), Some("c"));
        assert_eq!(manifest.layers, ["sha256:c", "sha256:l"]);
        assert_eq!(manifest.size, 42);
    }

    #[test]
    fn an_index_names_its_images() {
        let text = r#"{"schemaVersion": 2, "manifests": [{"digest": "sha256:a", "size": 500}]}"#;
        let manifest = Manifest::parse(text, Some(DOCKER_LIST)).unwrap();
        assert_eq!((manifest.children.as_slice(), manifest.size), (&["sha256:a".to_owned()][..], 0));
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for text in ["", "{}", r#"{"schemaVersion": 1}"#, r#"{"schemaVersion": 2}"#] {
            assert_eq!(Manifest::parse(text, None).unwrap_err().code, "InvalidParameterException");
        }
        let other = r#"{"schemaVersion": 2, "mediaType": "a", "manifests": []}"#;
        assert!(Manifest::parse(other, Some(OCI_INDEX)).is_err());
    }
}
