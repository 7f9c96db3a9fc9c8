//! An image in docker's form of an archive, as `docker save` writes it: `manifest.json` names its configuration and its
//! layers, which may be links to files elsewhere in the archive, plain or compressed.
//!
//! Source: the Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset Format".

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};

use flate2::{Compression, GzBuilder};
use seatrial_project::Architecture;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::architecture::ArchitectureNames as _;
use crate::error::ImageError;
use crate::image::{
    Blob, COMMIT_VARIABLE, GZIP_LAYER, Layer, Packed, REVISION_LABEL, SOURCE_LABEL, ZSTD_LAYER,
};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Where everything is in the archive.
pub(super) struct Archive {
    file: File,
    entries: BTreeMap<PathBuf, Entry>,
}

enum Entry {
    /// Offset and length.
    Bytes(u64, u64),
    Link(PathBuf),
}

/// An element of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    config: PathBuf,
    layers: Vec<PathBuf>,
}

fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ImageError {
    ImageError::failed("read the image that was built", error)
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, ImageError> {
        let index = || {
            let mut archive = tar::Archive::new(File::open(path)?);
            let mut entries = BTreeMap::new();
            for entry in archive.entries_with_seek()? {
                let entry = entry?;
                let at = normal(&entry.path()?);
                let found = match entry.header().entry_type() {
                    kind if kind.is_symlink() || kind.is_hard_link() => {
                        let target = entry.link_name()?.unwrap_or_default().into_owned();
                        let from = if kind.is_symlink() {
                            at.parent().unwrap_or(Path::new(""))
                        } else {
                            Path::new("")
                        };
                        Entry::Link(normal(&from.join(target)))
                    }
                    kind if kind.is_file() => Entry::Bytes(entry.raw_file_position(), entry.size()),
                    _ => continue,
                };
                entries.insert(at, found);
            }
            Ok(Self { file: File::open(path)?, entries })
        };
        index().map_err(|error: io::Error| unreadable(error))
    }

    /// The image for a registry: its layers compressed, those of the last build taken as they are, its configuration with
    /// the revision. Layers of earlier builds are removed.
    ///
    /// # Errors
    /// Refused where it is for another processor; an archive that is not whole.
    pub(super) fn pack(
        mut self,
        folder: &Path,
        architecture: Architecture,
        (source, revision): (&str, &str),
    ) -> Result<Packed, ImageError> {
        let images: Vec<Image> = self.json(Path::new("manifest.json"))?;
        let [image] = &images[..] else {
            return Err(unreadable(format!("it holds {} images, expected one", images.len())));
        };
        let mut config: Value = self.json(&image.config)?;
        check(&config, architecture)?;
        let sums: Vec<String> = config["rootfs"]["diff_ids"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|sum| sum.as_str().map(str::to_owned))
            .collect();
        if sums.len() != image.layers.len() {
            let (layers, named) = (image.layers.len(), sums.len());
            return Err(unreadable(format!("it has {layers} layers, its configuration names {named}")));
        }
        let mut layers = Vec::new();
        for (path, sum) in image.layers.iter().zip(&sums) {
            layers.push(self.layer(path, sum, folder)?);
        }
        keep_only(folder, &layers)
            .map_err(|error| ImageError::failed("clear layers of earlier builds", error))?;
        name(&mut config, (source, revision));
        Packed::new(&config, layers).map_err(|error| ImageError::failed("pack the image", error))
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self, path: &Path) -> Result<T, ImageError> {
        let mut bytes = Vec::new();
        self.reader(path)?.read_to_end(&mut bytes).map_err(unreadable)?;
        serde_json::from_slice(&bytes).map_err(|error| unreadable(format!("`{}`: {error}", path.display())))
    }

    fn reader(&mut self, path: &Path) -> Result<impl Read + '_, ImageError> {
        let missing = || unreadable(format!("`{}` is missing in it", path.display()));
        let mut at = normal(path);
        // No archive has a longer chain on purpose.
        for _ in 0..8 {
            match self.entries.get(&at).ok_or_else(missing)? {
                Entry::Link(target) => at = target.clone(),
                Entry::Bytes(offset, length) => {
                    self.file.seek(SeekFrom::Start(*offset)).map_err(unreadable)?;
                    return Ok((&self.file).take(*length));
                }
            }
        }
        Err(missing())
    }

    /// A layer as a file below `folder`, named after what it unpacks to and its own digest.
    fn layer(&mut self, path: &Path, sum: &str, folder: &Path) -> Result<Layer, ImageError> {
        let plain = sum.trim_start_matches("sha256:").to_owned();
        let failed = |error: io::Error| ImageError::failed(format!("compress layer {sum}"), error);
        if let Some(known) = known(folder, &plain).map_err(failed)? {
            return Ok(known);
        }
        let mut reader = self.reader(path)?;
        let mut magic = Vec::new();
        reader.by_ref().take(ZSTD.len() as u64).read_to_end(&mut magic).map_err(failed)?;
        let head = &magic[..];
        // Whoever holds the cache is alone in it.
        let new = folder.join("new");
        let written = File::create(&new).map_err(failed)?;
        let media_type = if head == ZSTD { ZSTD_LAYER } else { GZIP_LAYER };
        let is_compressed = head == ZSTD || head.starts_with(&GZIP);
        let mut output = Summed { inner: &written, sum: Sha256::new() };
        let mut whole = head.chain(reader);
        if is_compressed {
            io::copy(&mut whole, &mut output).map_err(failed)?;
        } else {
            // Time 0 and no file name in the header: the same layer has the same digest.
            let mut encoder = GzBuilder::new().mtime(0).write(&mut output, Compression::default());
            let mut input = Summed { inner: &mut encoder, sum: Sha256::new() };
            io::copy(&mut whole, &mut input).map_err(failed)?;
            let found = hex::encode(input.sum.finalize());
            encoder.finish().map_err(failed)?;
            if found != plain {
                return Err(unreadable(format!(
                    "layer `{}` is sha256:{found}, expected {sum}",
                    path.display()
                )));
            }
        }
        let digest = hex::encode(output.sum.finalize());
        let kind = if media_type == ZSTD_LAYER { "zst" } else { "gz" };
        let file = folder.join(format!("{plain}-{digest}.{kind}"));
        fs::rename(&new, &file).map_err(failed)?;
        of_file(&file, &digest, media_type).map_err(failed)
    }
}

/// What a build before has compressed already.
fn known(folder: &Path, plain: &str) -> io::Result<Option<Layer>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(rest) = path.file_name().and_then(|name| name.to_str()?.strip_prefix(plain)) else {
            continue;
        };
        let Some((digest, kind)) = rest.strip_prefix('-').and_then(|rest| rest.split_once('.')) else {
            continue;
        };
        let mut sum = Summed { inner: io::sink(), sum: Sha256::new() };
        io::copy(&mut File::open(&path)?, &mut sum)?;
        // Half of a file, say, of a machine that lost its power.
        if hex::encode(sum.sum.finalize()) == digest {
            let media_type = if kind == "zst" { ZSTD_LAYER } else { GZIP_LAYER };
            return of_file(&path, digest, media_type).map(Some);
        }
    }
    Ok(None)
}

fn of_file(path: &Path, digest: &str, media_type: &'static str) -> io::Result<Layer> {
    Ok(Layer { media_type, blob: Blob::in_file(path, format!("sha256:{digest}"))? })
}

fn keep_only(folder: &Path, layers: &[Layer]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_kept =
            layers.iter().any(|layer| name.contains(layer.blob.digest.trim_start_matches("sha256:")));
        if !is_kept {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn check(config: &Value, architecture: Architecture) -> Result<(), ImageError> {
    let text = |name: &str| config[name].as_str().unwrap_or_default().to_owned();
    let (os, found) = (text("os"), text("architecture"));
    if (os.as_str(), found.as_str()) == ("linux", architecture.oci()) {
        return Ok(());
    }
    let expected = architecture.oci();
    let refused = ImageError::refused(format!("the image is for {os}/{found}, expected linux/{expected}"));
    Err(refused
        .with_hint("`app.architecture` in `infra/project.yml`, or the Dockerfile's `--platform`, is wrong"))
}

/// The application is told its revision, and the registry; there, what a base image says of its own source is replaced.
fn name(config: &mut Value, (source, revision): (&str, &str)) {
    let settings = &mut config["config"];
    if !settings.is_object() {
        *settings = json!({});
    }
    let prefix = format!("{COMMIT_VARIABLE}=");
    let mut variables: Vec<Value> = settings["Env"].as_array().cloned().unwrap_or_default();
    variables.retain(|variable| !variable.as_str().is_some_and(|text| text.starts_with(&prefix)));
    variables.push(json!(format!("{prefix}{revision}")));
    settings["Env"] = Value::Array(variables);
    if !settings["Labels"].is_object() {
        settings["Labels"] = json!({});
    }
    settings["Labels"][REVISION_LABEL] = json!(revision);
    settings["Labels"][SOURCE_LABEL] = json!(source);
}

/// Without `.` and `..`, from the archive's top.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => normal.push(part),
            Component::ParentDir => drop(normal.pop()),
            _ => {}
        }
    }
    normal
}

/// Writes, and sums up what was written.
struct Summed<W> {
    inner: W,
    sum: Sha256,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
