//! Packs the binary as an OCI image: one layer, fixed times, owners and order, so that equal input gives an equal
//! digest.
//!
//! Source: the OCI image specification 1.1 (manifest, configuration, layer media types).

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use seatrial_project::Architecture;
use serde_json::json;

use crate::architecture::ArchitectureNames as _;
use crate::error::ImageError;
use crate::image::{Blob, COMMIT_VARIABLE, GZIP_LAYER, Layer, Packed, REVISION_LABEL, SOURCE_LABEL, digest};

/// The user that distroless images call `nonroot`; a number, because the image has no `/etc/passwd`.
const USER: &str = "65532:65532";

/// What distinguishes one image from another.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) architecture: Architecture,
    /// The package's name.
    pub(crate) title: String,
    /// See [`crate::ImageOptions::source`].
    pub(crate) source: String,
    pub(crate) revision: String,
    pub(crate) port: u16,
}

/// Packs the binary at `path`.
pub(crate) fn pack(path: &Path, settings: &Settings) -> Result<Packed, ImageError> {
    let binary =
        fs::read(path).map_err(|error| ImageError::failed(format!("read `{}`", path.display()), error))?;
    pack_bytes(&binary, settings).map_err(|error| ImageError::failed("pack the image", error))
}

fn pack_bytes(binary: &[u8], settings: &Settings) -> std::io::Result<Packed> {
    let tar = tar(binary)?;
    // Time 0 and no file name in the gzip header.
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    encoder.write_all(&tar)?;
    let layer = Layer { media_type: GZIP_LAYER, blob: Blob::of(encoder.finish()?) };
    // No `created`: it would have to be invented, and ECR knows when the image was pushed.
    let config = json!({
        "architecture": settings.architecture.oci(),
        "os": "linux",
        "config": {
            "User": USER,
            "ExposedPorts": { format!("{}/tcp", settings.port): {} },
            "Env": [format!("{COMMIT_VARIABLE}={}", settings.revision)],
            "Entrypoint": ["/app"],
            "Labels": {
                "org.opencontainers.image.title": settings.title,
                REVISION_LABEL: settings.revision,
                SOURCE_LABEL: settings.source,
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [digest(&tar)] },
        "history": [{ "created_by": "seatrial-image" }],
    });
    Packed::new(&config, vec![layer])
}

fn tar(binary: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(binary.len() as u64);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    builder.append_data(&mut header, "app", binary)?;
    builder.into_inner()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn settings() -> Settings {
        Settings {
            architecture: Architecture::Arm64,
            title: "shop".into(),
            source: "https://github.com/a/b".into(),
            revision: "0123456789abcdef".into(),
            port: 8080,
        }
    }

    #[test]
    fn equal_input_gives_an_equal_digest_and_other_input_another() {
        let packed = pack_bytes(b"binary", &settings()).unwrap();
        assert_eq!(packed.digest(), pack_bytes(b"binary", &settings()).unwrap().digest());
        assert_ne!(packed.digest(), pack_bytes(b"binarz", &settings()).unwrap().digest());
        let other = Settings { revision: "fedcba9876543210".into(), ..settings() };
        assert_ne!(packed.digest(), pack_bytes(b"binary", &other).unwrap().digest());
    }

    #[test]
    fn the_layer_holds_the_binary_alone_and_the_parts_name_each_other() {
        let packed = pack_bytes(b"binary", &settings()).unwrap();
        let mut tar_bytes = Vec::new();
        flate2::read::GzDecoder::new(packed.layers[0].blob.bytes()).read_to_end(&mut tar_bytes).unwrap();
        let mut archive = tar::Archive::new(&tar_bytes[..]);
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let header = entry.unwrap().header().clone();
                (
                    header.path().unwrap().display().to_string(),
                    header.mode().unwrap(),
                    header.mtime().unwrap(),
                )
            })
            .collect();
        assert_eq!(entries, [("app".to_owned(), 0o755, 0)]);

        let config: serde_json::Value = serde_json::from_slice(packed.config.bytes()).unwrap();
        assert_eq!(config["architecture"], "arm64");
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["config"]["ExposedPorts"], json!({ "8080/tcp": {} }));
        let labels = json!({
            "org.opencontainers.image.title": "shop",
            "org.opencontainers.image.revision": "0123456789abcdef",
            "org.opencontainers.image.source": "https://github.com/a/b",
        });
        assert_eq!(config["config"]["Labels"], labels);
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(&tar_bytes));
        let manifest: serde_json::Value = serde_json::from_slice(packed.manifest.bytes()).unwrap();
        assert_eq!(manifest["config"]["digest"], packed.config.digest);
        assert_eq!(manifest["layers"][0]["size"], packed.layers[0].blob.size);
    }
}
