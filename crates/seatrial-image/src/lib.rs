//! The application's image: one static binary, packed from scratch, pushed under the commit's tag, and the three
//! files that CodeDeploy reads; and tasks that are run with it around a deployment.
//!
//! `run` changes the repository (blobs, the commit's tag, `latest`) when it is asked to push, else nothing
//! outside the build cache. It compiles with few dependencies, because every build of the pipeline compiles
//! it first.

mod architecture;
mod artifacts;
mod cache;
mod cargo;
pub mod check;
mod compile;
mod credentials;
mod crosswise;
mod dockerfile;
mod error;
mod image;
pub mod one_off;
mod outputs;
mod pack;
mod push;
mod registration;
mod registry;
mod report;
mod request;
mod sbom;
mod source;
mod stop;
mod tree;

use std::path::{Path, PathBuf};

pub use artifacts::write_artifacts;
pub use cache::default_cache;
pub use credentials::Credentials;
pub use error::ImageError;
pub use one_off::image_of;
pub use registration::registration;
pub use report::{Pushing, Report};
pub use request::{BuildImage, BuildRequest, Builder, ImageOptions};
pub use stop::{Ear, Stop};

use seatrial_project::Environment;
use seatrial_project::render::Variables;

use crate::architecture::ArchitectureNames as _;
use crate::cache::BuildCache;
use crate::compile::Compiled;
use crate::image::Packed;
use crate::pack::Settings;
use crate::push::Repository;
use crate::request::outcome;
use crate::source::Revision;
use crate::stop::blocking;
use crate::tree::Tree;

/// Who follows Dockerfiles here: `docker`, `podman` or `buildah`.
///
/// # Errors
/// `ImageError::Refused` where nobody can, with what is wrong with each.
pub fn follower_of_dockerfiles(stop: Option<&Stop>) -> Result<&'static str, ImageError> {
    dockerfile::follower(stop)
}

/// The outputs of stacks that the environment's variables name, by [`seatrial_project::render::output_key`], read as the
/// process's environment and profiles say.
///
/// # Errors
/// `ImageError::Refused` where no stack has such an output, or several have; anything else is `ImageError::Failed`.
pub async fn read_outputs(workspace: &Path, environment: &Environment) -> Result<Variables, ImageError> {
    outputs::read(workspace, environment, &aws_config::load_from_env().await).await
}

/// Builds the image of the workspace's current revision, and pushes it if asked to.
///
/// # Errors
/// `ImageError::Refused` when nothing was changed because of what was found: a tag that holds another image, a
/// binary of the wrong architecture, a target that is not installed. Anything else is `ImageError::Failed`.
pub async fn run(
    request: &BuildRequest,
    report: Report<'_>,
    pushing: Pushing<'_>,
) -> Result<BuildImage, ImageError> {
    let workspace = request.workspace.clone();
    let discover = move || source::discover(&Tree::list(&workspace)?);
    let revision = blocking("read the sources", discover).await?;
    report(&format!("revision {} ({})", revision.id, revision.tags().join(", ")));

    let repository = match &request.push {
        Some(credentials) => Some(Repository::open(&request.repository, credentials).await?),
        None => None,
    };
    if let Some(repository) = &repository
        && let Some(image) = push::find(repository, request, &revision).await?
    {
        report(&format!("{} is in the repository already", image.uri));
        return Ok(image);
    }
    // Held until the image is pushed: another build may then put its own in the same place.
    let cache = BuildCache::lock(&request.cache, cache::PATIENCE, report).await?;
    let (packed, sbom, revision, cache) = match request.builder {
        Builder::Cargo => {
            let (compiled, cache) = compile_binary(request, revision, cache, report).await?;
            let packed = pack_binary(request, &compiled.revision, compiled.binary).await?;
            (packed, Some(compiled.sbom), compiled.revision, cache)
        }
        Builder::Docker => {
            let (packed, revision, cache) = dockerfile::build(request, revision, cache, report).await?;
            (packed, None, revision, cache)
        }
    };
    let mut image = outcome(request, &revision, packed.digest(), packed.size_bytes());
    if let Some(repository) = &repository {
        pushing();
        let sbom = sbom.map(|sbom| sbom.about(&packed)).transpose()?;
        image.sbom = push::push(repository, request, (&packed, sbom.as_ref()), &revision, report).await?;
    }
    // Its layers may be in files of it.
    drop(cache);
    report(&format!("{} ({:.1} MB)", image.uri, image.size_bytes as f64 / 1e6));
    Ok(image)
}

/// The cache goes along, so that it stays locked while cargo works, also when nobody waits for it any more.
async fn compile_binary(
    request: &BuildRequest,
    revision: Revision,
    cache: BuildCache,
    report: Report<'_>,
) -> Result<(Compiled, BuildCache), ImageError> {
    let compilation = compile::Compilation {
        workspace: request.workspace.clone(),
        options: request.options.clone(),
        architecture: request.architecture,
        target: request.architecture.target(request.library),
        revision,
        stop: request.stop.clone(),
    };
    report(&format!("compiling package {} for {}", request.options.package, compilation.target));
    blocking("wait for the compilation", move || {
        let compiled = compilation.run(&cache)?;
        Ok((compiled, cache))
    })
    .await
}

async fn pack_binary(
    request: &BuildRequest,
    revision: &Revision,
    binary: PathBuf,
) -> Result<Packed, ImageError> {
    let options = &request.options;
    let settings = Settings {
        architecture: request.architecture,
        title: options.package.clone(),
        source: options.source.clone(),
        revision: revision.id.clone(),
        port: options.port,
    };
    blocking("pack the image", move || pack::pack(&binary, &settings)).await
}
