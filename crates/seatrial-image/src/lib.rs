//! The application's image: one static binary, packed from scratch, pushed under the commit's tag, and the three
//! files that CodeDeploy reads.
//!
//! `run` changes the repository (blobs, the commit's tag, `latest`) when it is asked to push, else nothing
//! outside the build cache. It compiles with few dependencies, because every build of the pipeline compiles
//! it first.

mod architecture;
mod artifacts;
mod cache;
mod cargo;
mod compile;
mod credentials;
mod docker;
mod error;
mod pack;
mod push;
mod registry;
mod report;
mod request;
mod source;
mod stop;
mod tree;

use std::path::PathBuf;

pub use artifacts::write_artifacts;
pub use cache::default_cache;
pub use credentials::Credentials;
pub use error::ImageError;
pub use report::Report;
pub use request::{BuildImage, BuildRequest, Builder, ImageOptions};
pub use stop::Stop;

use crate::architecture::ArchitectureNames as _;
use crate::cache::BuildCache;
use crate::pack::Settings;
use crate::push::Repository;
use crate::request::outcome;
use crate::source::Revision;
use crate::tree::Tree;

/// Builds the image of the workspace's current revision, and pushes it if asked to.
///
/// # Errors
/// `ImageError::Refused` when nothing was changed because of what was found: a tag that holds another image, a
/// binary of the wrong architecture, a target that is not installed. Anything else is `ImageError::Failed`.
pub async fn run(request: &BuildRequest, report: Report<'_>) -> Result<BuildImage, ImageError> {
    let revision = source::discover(&Tree::list(&request.workspace)?)?;
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
    // Held until the binary is packed: another build may then put its own in the same place.
    let cache = BuildCache::lock(&request.cache, cache::PATIENCE, report).await?;
    let (binary, revision, cache) = compile_binary(request, revision, cache, report).await?;
    let settings = Settings {
        architecture: request.architecture,
        revision: revision.id.clone(),
        port: request.options.port,
    };
    let image = match (request.builder, &repository) {
        (Builder::Cargo, repository) => {
            let packed = pack::pack(&binary, &settings)?;
            drop(cache);
            if let Some(repository) = repository {
                push::push(repository, &packed, &revision, report).await?;
            }
            outcome(request, &revision, packed.digest(), packed.size_bytes())
        }
        (Builder::Docker, repository) => {
            let built = docker::Build { request, revision: &revision, binary: &binary };
            built.run(repository.as_ref(), report).await?
        }
    };
    report(&format!("{} ({:.1} MB)", image.uri, image.size_bytes as f64 / 1e6));
    Ok(image)
}

/// The cache goes along, so that it stays locked while cargo works, also when nobody waits for it any more.
async fn compile_binary(
    request: &BuildRequest,
    revision: Revision,
    cache: BuildCache,
    report: Report<'_>,
) -> Result<(PathBuf, Revision, BuildCache), ImageError> {
    let compilation = compile::Compilation {
        workspace: request.workspace.clone(),
        options: request.options.clone(),
        architecture: request.architecture,
        target: request.architecture.target(request.library),
        revision,
        stop: request.stop.clone(),
    };
    report(&format!("compiling package {} for {}", request.options.package, compilation.target));
    tokio::task::spawn_blocking(move || {
        let (binary, revision) = compilation.run(&cache)?;
        Ok((binary, revision, cache))
    })
    .await
    .map_err(|error| ImageError::failed("wait for the compilation", error))?
}
