//! The builder `docker`: an ordinary Dockerfile in its ordinary context, followed by docker, podman or buildah. What they
//! make is taken from them as an archive and pushed as all images are: no program of theirs logs in or pushes, so that
//! neither a daemon's view of the network nor anybody's stored credentials count.

mod archive;
mod engine;

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use self::archive::Archive;
use self::engine::{Build, Engine};
use crate::cache::BuildCache;
use crate::error::ImageError;
use crate::image::Packed;
use crate::report::Report;
use crate::request::BuildRequest;
use crate::source::{self, Revision};
use crate::stop::{Stop, blocking};
use crate::tree::Tree;

/// The program that would build here.
pub(crate) fn follower(stop: Option<&Stop>) -> Result<&'static str, ImageError> {
    Engine::find(stop).map(Engine::program)
}

/// Builds the image; gives it with what it is named after, and the cache, which holds its layers.
pub(crate) async fn build(
    request: &BuildRequest,
    revision: Revision,
    cache: BuildCache,
    report: Report<'_>,
) -> Result<(Packed, Revision, BuildCache), ImageError> {
    let stop = request.stop.clone();
    let engine = blocking("find who builds images", move || Engine::find(stop.as_ref())).await?;
    let options = &request.options;
    report(&format!("{} follows {} in {}", engine.program(), options.dockerfile, options.context));
    let request = request.clone();
    blocking("build the image", move || {
        let (packed, revision) = follow(engine, &request, &revision, &cache)?;
        Ok((packed, revision, cache))
    })
    .await
}

fn follow(
    engine: Engine,
    request: &BuildRequest,
    revision: &Revision,
    cache: &BuildCache,
) -> Result<(Packed, Revision), ImageError> {
    let folders = Folders::make(&cache.folder)
        .map_err(|error| ImageError::failed("make the folders of the build", error))?;
    let tree = Tree::list(&request.workspace)?;
    let (dockerfile, context) = places(request, &tree)?;
    let ignored = PathBuf::from(format!("{}.dockerignore", dockerfile.display()));
    tree.copy(&context, &[dockerfile.clone(), ignored], &folders.context)?;
    // What was copied, whatever happens to the checkout meanwhile.
    let now = source::discover(&Tree::list(&request.workspace)?)?;
    let revision = revision.until(&now).ok_or_else(|| {
        let changed = "the sources changed while they were copied for the build";
        ImageError::refused(changed).with_hint("build again, and leave the checkout alone meanwhile")
    })?;
    let build = Build {
        dockerfile: folders.context.join(dockerfile),
        context: folders.context.join(context),
        options: &request.options,
        architecture: request.architecture,
        // Whoever builds by hand looks for it by name; one that is pushed is there, and needs no name here.
        tags: match &request.push {
            None => revision.tags().iter().map(|tag| format!("{}:{tag}", request.repository)).collect(),
            Some(_) => Vec::new(),
        },
    };
    let stop = request.stop.as_ref();
    let image = engine.build(&build, &folders.id, stop)?;
    engine.save(&image, &folders.archive, stop)?;
    let packed = Archive::open(&folders.archive).and_then(|archive| {
        let named = (request.options.source.as_str(), revision.id.as_str());
        archive.pack(&folders.layers, request.architecture, named)
    })?;
    Ok((packed, revision))
}

/// Where the Dockerfile and the context are, from the tree's root.
fn places(request: &BuildRequest, tree: &Tree) -> Result<(PathBuf, PathBuf), ImageError> {
    let options = &request.options;
    let place = |key: &str, path: &str| {
        let whole = request.workspace.join(path);
        let found = fs::canonicalize(&whole).ok();
        found.and_then(|found| Some(found.strip_prefix(&tree.root).ok()?.to_owned())).ok_or_else(|| {
            let rule = "must be in the repository, which is all that a build gets";
            ImageError::refused(format!("`image.{key}` {rule}, found `{path}`"))
        })
    };
    let context = place("context", &options.context)?;
    // As it is named: a link may be what the commit has.
    let named = normal(&request.workspace.join(&options.dockerfile));
    let dockerfile = named
        .strip_prefix(&tree.root)
        .map_or_else(|_| place("dockerfile", &options.dockerfile), |path| Ok(path.to_owned()))?;
    if !tree.holds(&tree.root.join(&dockerfile)) {
        let told =
            format!("`image.dockerfile` must be a file that a commit holds, found `{}`", options.dockerfile);
        return Err(ImageError::refused(told)
            .with_hint("`image.dockerfile` in `infra/project.yml` names it, from the project's folder"));
    }
    Ok((dockerfile, context))
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

/// What a build leaves in the cache, so that nobody has to remove it, whatever ends the build.
struct Folders {
    /// The sources, as a commit holds them; empty at first.
    context: PathBuf,
    /// Compressed layers, kept for the next build.
    layers: PathBuf,
    archive: PathBuf,
    /// Where the image's name is written.
    id: PathBuf,
}

impl Folders {
    fn make(cache: &Path) -> io::Result<Self> {
        let folder = |name: &str| cache.join(name);
        let folders = Self {
            context: folder("context"),
            layers: folder("layers"),
            archive: folder("image.tar"),
            id: folder("image.id"),
        };
        let gone = |removed: io::Result<()>| match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(fs::remove_dir_all(&folders.context))?;
        // podman and buildah write to no file that is there.
        gone(fs::remove_file(&folders.archive))?;
        gone(fs::remove_file(&folders.id))?;
        fs::create_dir(&folders.context)?;
        fs::create_dir_all(&folders.layers)?;
        Ok(folders)
    }
}

#[cfg(test)]
mod tests;
