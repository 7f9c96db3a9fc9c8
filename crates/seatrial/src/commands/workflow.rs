//! The generated workflow of the repository: where it is, and whether it is as it would be written.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seatrial_git::Git;
use seatrial_project::generate::{self, GeneratedFile, Place, WORKFLOW_HEAD};

/// The workflow of the project in `root`; its path is from there.
///
/// # Errors
/// None that is known.
pub(super) fn of_project(
    git: Option<&Git>,
    root: &Path,
    place: &Place,
) -> anyhow::Result<GeneratedFile<String>> {
    let inside = git.and_then(|git| root.strip_prefix(git.top()).ok()).unwrap_or(Path::new(""));
    let file = generate::workflow(inside, place).context("failed to render the workflow")?;
    let up: PathBuf = inside.components().map(|_| "..").collect();
    Ok(GeneratedFile { path: up.join(file.path).display().to_string(), text: file.text })
}

/// The workflow, where one of ours is there and differs. One of somebody's own is his, and nobody need have one.
///
/// # Errors
/// A file that is there and cannot be read; git's refusal.
pub(super) fn outdated(root: &Path) -> anyhow::Result<Option<GeneratedFile<String>>> {
    let place = Place::find(root).context("failed to look for the project's xtask")?;
    let root = &root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let file = of_project(Git::find(root)?.as_ref(), root, &place)?;
    match std::fs::read_to_string(root.join(&file.path)) {
        Ok(found) if found.starts_with(WORKFLOW_HEAD) && found != file.text => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::Error::from(error).context(format!("failed to read `{}`", file.path))),
    }
}
