//! What is in an image, for whoever has to know which packages it was made of: a CycloneDX document, kept in the
//! repository as an artifact that refers to the image.
//!
//! Sources: CycloneDX 1.5 (JSON schema), the OCI image specification 1.1 ("Guidelines for Artifact Usage"), package URLs
//! (purl-spec, type `cargo`).

mod cargo;

use serde_json::{Value, json};

pub(crate) use self::cargo::of_binary;
use crate::error::ImageError;
use crate::image::{Blob, MANIFEST_TYPE, Packed};

/// Media type of the document, and type of the artifact.
pub(crate) const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// The document: the same bytes for the same commit, so it tells neither a time nor a number of its own.
#[derive(Debug, Clone)]
pub(crate) struct Sbom(Value);

/// The artifact in the repository.
pub(crate) struct Artifact {
    pub(crate) manifest: Blob,
    pub(crate) config: Blob,
    pub(crate) document: Blob,
}

impl Sbom {
    /// `is_complete`: all that the image holds is listed.
    fn new(application: Value, components: Vec<Value>, dependencies: Vec<Value>) -> Self {
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self(json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {
                "tools": { "components": [{ "type": "application", "name": name, "version": version }] },
                "component": application,
            },
            "components": components,
            "dependencies": dependencies,
            // Neither Rust's standard library nor the C library that is linked in is a package of the lock file.
            "compositions": [{ "aggregate": "incomplete", "assemblies": [application["bom-ref"]] }],
        }))
    }

    #[cfg(test)]
    pub(crate) fn of_nothing() -> Self {
        Self::new(json!({ "bom-ref": "nothing" }), Vec::new(), Vec::new())
    }

    /// The artifact that says it of `image`.
    pub(crate) fn about(&self, image: &Packed) -> Result<Artifact, ImageError> {
        let bytes = |value: &Value| {
            serde_json::to_vec(value).map_err(|error| ImageError::failed("write the SBOM", error))
        };
        let (config, document) = (Blob::of(b"{}".to_vec()), Blob::of(bytes(&self.0)?));
        let named = |media_type: &str, blob: &Blob| json!({ "mediaType": media_type, "digest": blob.digest, "size": blob.size });
        let mut layer = named(CYCLONEDX, &document);
        layer["annotations"] = json!({ "org.opencontainers.image.title": "sbom.cdx.json" });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": CYCLONEDX,
            "config": named(EMPTY, &config),
            "layers": [layer],
            "subject": named(MANIFEST_TYPE, &image.manifest),
        });
        Ok(Artifact { manifest: Blob::of(bytes(&manifest)?), config, document })
    }
}

/// The tag of an image's SBOM. A tag keeps it from a lifecycle rule on images without one, should ECR apply it to artifacts,
/// and by this one, cosign's, it is found where a registry lists no referrers.
pub(crate) fn tag(image: &str) -> String {
    format!("{}.sbom", image.replacen(':', "-", 1))
}
