//! Images: pulled under the execution role by ECR's own operations, and unpacked once a digest.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::cloud::{Cloud, Part, Setup};
use crate::principal::Principal;
use crate::runtime::sandbox::{Ids, Sandbox, Sandboxes};
use crate::runtime::unpack::{Owners, unpack};
use crate::services::ecr::{
    self, BatchCheckLayerAvailability, BatchGetImage, GetDownloadUrlForLayer, ImageId,
};
use crate::services::ecs::store::EcsStore;

/// So many unpacked images stay besides those of tasks that have not stopped: a way back finds the last ones unpacked,
/// and a task that is about to start has its own among them.
const KEPT: usize = 8;

/// An image on disk.
pub(super) struct Image {
    /// Of its manifest.
    pub digest: String,
    /// Its file system.
    pub root: PathBuf,
    /// The same, from the folder of all images.
    pub place: PathBuf,
    pub config: Config,
}

/// What an image says of the process to run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Config {
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
    pub env: Option<Vec<String>>,
    pub working_dir: Option<String>,
    pub user: Option<String>,
    pub stop_signal: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ImageFile {
    config: Config,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    config: Option<Blob>,
    #[serde(default)]
    layers: Vec<Blob>,
    /// Of an index: one manifest for each platform.
    #[serde(default)]
    manifests: Vec<PlatformManifest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    #[serde(default)]
    media_type: String,
    digest: String,
}

/// The layers that containerd unpacks, whatever compresses them (OCI image specification, "Layer"; Docker's manifest
/// v2).
const LAYER_TYPES: [&str; 3] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
];
/// What may stand behind them.
const COMPRESSIONS: [&str; 5] = ["", "+gzip", "+zstd", ".gzip", ".zstd"];

impl Blob {
    fn is_layer(&self) -> bool {
        let rests = LAYER_TYPES.iter().filter_map(|kind| self.media_type.strip_prefix(kind));
        rests.into_iter().any(|rest| COMPRESSIONS.contains(&rest))
    }
}

#[derive(Deserialize)]
struct PlatformManifest {
    digest: String,
    #[serde(default)]
    platform: Value,
}

/// The unpacked images of one local cloud.
pub(super) struct Images {
    /// Of those that belong to the user of the local cloud.
    plain: PathBuf,
    /// Two tasks of one image unpack it once.
    unpacking: Mutex<()>,
}

impl Part for Images {
    fn open(setup: &Setup) -> Self {
        Self { plain: setup.data_dir.join("images/plain"), unpacking: Mutex::default() }
    }
}

/// Who pulls, and whose the files are to be; without ids they are the user's own.
#[derive(Clone, Copy)]
pub(super) struct Puller<'a> {
    pub cloud: &'a Cloud,
    pub principal: &'a Principal,
    pub ids: Option<Ids>,
}

/// A pull of one image.
struct Pull<'a> {
    by: Puller<'a>,
    repository: String,
    reference: &'a str,
}

/// Pulls `reference` (`HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@DIGEST`) for `architecture` (`amd64`). The
/// error is what a task's `stoppedReason` says behind `CannotPullContainerError: `.
pub(super) async fn pull(by: Puller<'_>, reference: &str, architecture: &str) -> Result<Image, String> {
    let (repository, id) =
        parse(reference).ok_or_else(|| format!("invalid reference format: {reference}"))?;
    let pull = Pull { by, repository, reference };
    let (mut digest, mut manifest) = pull.manifest(id).await?;
    if !manifest.manifests.is_empty() {
        let fits = |found: &&PlatformManifest| found.platform["architecture"] == architecture;
        let found = manifest.manifests.iter().find(fits).ok_or_else(|| {
            format!("image Manifest does not contain descriptor matching platform 'linux/{architecture}'")
        })?;
        (digest, manifest) = pull.manifest(ImageId::of(&found.digest)).await?;
    }
    let images = by.cloud.part::<Images>();
    let folder = match by.ids {
        Some(ids) => by.cloud.part::<Sandboxes>().images(ids).map_err(|error| error.to_string())?,
        None => images.plain.clone(),
    };
    let name = digest.replace(':', "-");
    let dir = folder.join(&name);
    let _one = images.unpacking.lock().await;
    if !dir.exists() {
        pull.unpack_into(&folder, &dir, &manifest).await?;
        for old in old_ones(&folder, &in_use(by.cloud)) {
            by.cloud.part::<Sandboxes>().remove(by.cloud, &folder, &old).await;
        }
    }
    used_now(&dir);
    let config = std::fs::read(dir.join("config.json")).map_err(|error| error.to_string())?;
    let file: ImageFile =
        serde_json::from_slice(&config).map_err(|error| format!("image config: {error}"))?;
    let place = Path::new(&name).join("root");
    Ok(Image { digest, root: folder.join(&place), place, config: file.config })
}

/// Digests of the images whose tasks have not stopped.
fn in_use(cloud: &Cloud) -> BTreeSet<String> {
    let tasks = cloud.part::<EcsStore>().tasks.values().into_iter().map(|row| row.task);
    let live = tasks.filter(|task| task.last_status != "STOPPED");
    live.flat_map(|task| task.containers).filter_map(|container| container.image_digest).collect()
}

/// An image's folder has the time at which a task last started from it.
fn used_now(dir: &Path) {
    let touched = File::open(dir).and_then(|dir| dir.set_modified(SystemTime::now()));
    if let Err(error) = touched {
        tracing::debug!(dir = %dir.display(), %error, "the time of an image was not noted");
    }
}

/// The folders of all images but those of `used` and the last ones that tasks started from.
fn old_ones(images: &Path, used: &BTreeSet<String>) -> Vec<String> {
    let entries = std::fs::read_dir(images).into_iter().flatten().flatten();
    let mut unused: Vec<(SystemTime, String)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digest = name.replacen('-', ":", 1);
            let is_unused = digest.starts_with("sha256:") && !used.contains(&digest);
            is_unused.then_some(())?;
            Some((entry.metadata().ok()?.modified().ok()?, name))
        })
        .collect();
    unused.sort();
    let old = unused.len().saturating_sub(KEPT);
    unused.into_iter().take(old).map(|(_, name)| name).collect()
}

/// The repository, and the image's id as `BatchGetImage` takes it.
fn parse(reference: &str) -> Option<(String, ImageId)> {
    let (_host, rest) = reference.split_once('/')?;
    if let Some((name, digest)) = rest.split_once('@') {
        let repository = name.split(':').next().unwrap_or(name);
        return Some((repository.to_owned(), ImageId::of(digest)));
    }
    let (repository, tag) = rest.rsplit_once(':').unwrap_or((rest, "latest"));
    Some((repository.to_owned(), ImageId::of(tag)))
}

impl Pull<'_> {
    async fn manifest(&self, id: ImageId) -> Result<(String, Manifest), String> {
        let input = BatchGetImage { repository_name: self.repository.clone(), image_ids: vec![id] };
        let answer = self.by.cloud.call(self.by.principal, input).await;
        let answer = answer.map_err(|error| self.not_pulled(&error.message))?;
        let Some(image) = answer.images.into_iter().next() else {
            return Err(self.not_pulled("not found"));
        };
        let text = image.image_manifest;
        let manifest = serde_json::from_str(&text).map_err(|error| self.not_pulled(&error.to_string()))?;
        let digest = image.image_id.image_digest.unwrap_or_else(|| ecr::digest(text.as_bytes()));
        Ok((digest, manifest))
    }

    fn not_pulled(&self, why: &str) -> String {
        format!(
            "pull image manifest has been retried 1 time(s): failed to resolve ref {}: {}: {why}",
            self.reference, self.reference
        )
    }

    /// Fetches and unpacks beside `dir`, then renames: what is there is whole.
    async fn unpack_into(&self, images: &Path, dir: &Path, manifest: &Manifest) -> Result<(), String> {
        let failed = |error: io::Error| format!("failed to unpack {}: {error}", self.reference);
        std::fs::create_dir_all(images).map_err(failed)?;
        let open = Permissions::from_mode(0o755);
        let fresh =
            tempfile::Builder::new().prefix("pull-").permissions(open).tempdir_in(images).map_err(failed)?;
        let root = fresh.path().join("root");
        std::fs::create_dir(&root).map_err(failed)?;
        let config = manifest.config.as_ref().ok_or_else(|| self.not_pulled("the manifest has no config"))?;
        self.blob(&config.digest, &fresh.path().join("config.json")).await?;
        let sandbox = match self.by.ids {
            Some(ids) if ids.keep_owners() => {
                ids.give(&root).map_err(failed)?;
                Some(
                    self.by
                        .cloud
                        .part::<Sandboxes>()
                        .inside(self.by.cloud, ids, images)
                        .await
                        .map_err(failed)?,
                )
            }
            _ => None,
        };
        if let Some(other) = manifest.layers.iter().find(|layer| !layer.is_layer()) {
            return Err(self.not_pulled(&format!("unsupported layer media type {}", other.media_type)));
        }
        for layer in &manifest.layers {
            let file = fresh.path().join("layer");
            self.blob(&layer.digest, &file).await?;
            let layer = File::open(&file).map_err(failed)?;
            unpack_layer(layer, (images, &root), sandbox.as_deref()).await.map_err(failed)?;
        }
        let _ = std::fs::remove_file(fresh.path().join("layer"));
        std::fs::rename(fresh.keep(), dir).map_err(failed)
    }

    /// Fetches a blob into a file and checks its digest.
    async fn blob(&self, digest: &str, file: &Path) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("failed to copy: failed to fetch layer {digest} of {}: {error}", self.reference)
        };
        // A pull asks for both (ECS developer guide, Amazon ECS task execution IAM role).
        let input = BatchCheckLayerAvailability {
            repository_name: self.repository.clone(),
            layer_digests: vec![digest.to_owned()],
        };
        self.by.cloud.call(self.by.principal, input).await.map_err(|error| failed(&error.message))?;
        let input = GetDownloadUrlForLayer {
            repository_name: self.repository.clone(),
            layer_digest: digest.to_owned(),
        };
        let answer = self.by.cloud.call(self.by.principal, input).await;
        let url = answer.map_err(|error| failed(&error.message))?.download_url;
        // Nothing is ever fetched from off this machine.
        if !url.starts_with(self.by.cloud.endpoint()) {
            return Err(failed(&"its address is not in the local cloud"));
        }
        let url: http::Uri = url.parse().map_err(|error: http::uri::InvalidUri| failed(&error))?;
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
        let response = client.get(url).await.map_err(|error| failed(&error))?;
        if !response.status().is_success() {
            return Err(failed(&format!("httpReadSeeker: unexpected status {}", response.status())));
        }
        let mut out = File::create(file).map_err(|error| failed(&error))?;
        let mut hash = Sha256::new();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| failed(&error))?;
            if let Some(data) = frame.data_ref() {
                hash.update(data);
                out.write_all(data).map_err(|error| failed(&error))?;
            }
        }
        match format!("sha256:{}", hex::encode(hash.finalize())) == digest {
            true => Ok(()),
            false => Err(failed(&"its digest is another")),
        }
    }
}

/// Unpacks a layer over `root` in the folder of all images: by a sandbox, whose ids its owners have then.
async fn unpack_layer(
    layer: File,
    (images, root): (&Path, &Path),
    sandbox: Option<&Sandbox>,
) -> io::Result<()> {
    if let Some(sandbox) = sandbox {
        let place = root.strip_prefix(images).map_err(io::Error::other)?;
        return sandbox.unpack(layer, place.to_owned()).await;
    }
    let root = root.to_owned();
    let unpacked = tokio::task::spawn_blocking(move || unpack(layer, &root, Owners::Own)).await;
    unpacked.map_err(io::Error::other).flatten()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_images_of_tasks_and_the_last_ones_stay_unpacked() {
        let images = tempfile::tempdir().unwrap();
        let name = |number: usize| format!("sha256-{number:064}");
        for number in 0..3 * KEPT {
            let dir = images.path().join(name(number));
            std::fs::create_dir_all(dir.join("root")).unwrap();
            let then = SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64);
            File::open(&dir).unwrap().set_modified(then).unwrap();
        }
        std::fs::create_dir(images.path().join("pull-x")).unwrap();
        // A task started from an old one a moment ago, another still runs from one.
        used_now(&images.path().join(name(1)));
        let used = [format!("sha256:{:064}", 2)].into();

        let old = old_ones(images.path(), &used);

        let left = |name: String| !old.contains(&name);
        let numbers: Vec<usize> = (0..3 * KEPT).filter(|number| left(name(*number))).collect();
        let last = (2 * KEPT + 1)..3 * KEPT;
        assert_eq!(numbers, [1, 2].into_iter().chain(last).collect::<Vec<_>>());
        assert!(left("pull-x".to_owned()));
    }

    #[test]
    fn a_reference_names_its_repository_and_tag_or_digest() {
        let parsed = |reference| parse(reference).unwrap();
        assert_eq!(parsed("127.0.0.1:4566/a/b@sha256:00"), ("a/b".to_owned(), ImageId::of("sha256:00")));
        assert_eq!(parsed("127.0.0.1:4566/a:v1"), ("a".to_owned(), ImageId::of("v1")));
        assert_eq!(parsed("host/a"), ("a".to_owned(), ImageId::of("latest")));
        assert!(parse("nginx").is_none());
    }
}
