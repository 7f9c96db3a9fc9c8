//! What is asked for and what comes of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use seatrial_project::{Architecture, Environment, ImageBuilder, ImageTarget};
use serde::Serialize;

use crate::cache::default_cache;
use crate::credentials::Credentials;
use crate::source::Revision;
use crate::stop::Stop;

/// Who packs and pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Builder {
    /// This crate: no daemon, no privilege.
    Cargo,
    /// docker, podman or buildah, by a Dockerfile of the project's.
    Docker,
}

impl From<ImageBuilder> for Builder {
    fn from(builder: ImageBuilder) -> Self {
        match builder {
            ImageBuilder::Cargo => Self::Cargo,
            ImageBuilder::Docker => Self::Docker,
        }
    }
}

/// What of the workspace becomes the image: `image` and `app.port` in `infra/project.yml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// A package of the workspace.
    pub package: String,
    /// The repository's URL, for the image's label.
    pub source: String,
    /// Without it the package's only or default binary.
    pub binary: Option<String>,
    /// Where the application listens.
    pub port: u16,
    /// What is run before the compilation, by a shell.
    pub before: Vec<String>,
    /// Of the builder `docker`, from the project's folder.
    pub dockerfile: String,
    /// Likewise: what the Dockerfile may copy from.
    pub context: String,
    /// By name; seen in the image's history.
    pub build_args: BTreeMap<String, String>,
    /// Of a Dockerfile with several; the last one where none is named.
    pub target_stage: Option<String>,
}

impl From<&Environment> for ImageOptions {
    fn from(environment: &Environment) -> Self {
        Self {
            package: environment.image.package.clone(),
            source: format!("https://github.com/{}", environment.source.repository),
            binary: environment.image.binary.clone(),
            port: environment.app.port,
            before: environment.image.before.clone(),
            dockerfile: environment.image.dockerfile.clone(),
            context: environment.image.context.clone(),
            build_args: environment.image.build_args.clone(),
            target_stage: environment.image.target_stage.clone(),
        }
    }
}

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The workspace's root, where `Cargo.lock` is.
    pub workspace: PathBuf,
    /// The folder of this project's products, kept from build to build: see [`default_cache`].
    pub cache: PathBuf,
    pub options: ImageOptions,
    pub architecture: Architecture,
    pub library: ImageTarget,
    pub builder: Builder,
    /// `registry/repository`, without tag.
    pub repository: String,
    /// Pushes when there are credentials.
    pub push: Option<Credentials>,
    /// Ends the build early. Without it cargo and docker end with whoever ends the caller's process group.
    pub stop: Option<Stop>,
}

impl BuildRequest {
    /// The image of one environment, as `infra/project.yml` says, built in the cache that is the workspace's own.
    pub fn of(
        workspace: &Path,
        environment: &Environment,
        repository: impl Into<String>,
        push: Option<Credentials>,
    ) -> Self {
        Self {
            workspace: workspace.to_owned(),
            cache: default_cache(workspace),
            options: environment.into(),
            architecture: environment.app.architecture,
            library: environment.image.target,
            builder: environment.image.builder.into(),
            repository: repository.into(),
            push,
            stop: None,
        }
    }
}

/// The image that was built or found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildImage {
    /// `registry/repository@sha256:…`: what a task definition names.
    pub uri: String,
    pub digest: String,
    pub tags: Vec<String>,
    /// Compressed layers and configuration, as the repository counts them.
    pub size_bytes: u64,
    pub builder: Builder,
    /// Where the list of what is in it is: `registry/repository@sha256:…`. None is made of what a Dockerfile builds, nor of an
    /// image that is not pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbom: Option<String>,
    /// The source revision in the image's label and environment.
    pub revision: String,
    /// True when the repository had this revision's image already, so that nothing was built.
    pub reused: bool,
}

/// What was built, under the digest by which the registry or its builder knows it.
pub(crate) fn outcome(
    request: &BuildRequest,
    revision: &Revision,
    digest: &str,
    size_bytes: u64,
) -> BuildImage {
    BuildImage {
        uri: format!("{}@{digest}", request.repository),
        digest: digest.to_owned(),
        tags: revision.tags(),
        size_bytes,
        builder: request.builder,
        sbom: None,
        revision: revision.id.clone(),
        reused: false,
    }
}
