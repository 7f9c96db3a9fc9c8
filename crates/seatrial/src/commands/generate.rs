//! `cargo xtask generate`: writes `.aws/*`, and the workflow that `init` made, from infra/project.yml and the place of
//! `xtask`. Changes files of the checkout only.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use seatrial_project::Project;
use seatrial_project::generate::{self, GeneratedFile, Place};
use serde::Serialize;

use super::whole_file::write_whole;
use super::workflow;
use crate::cli::GenerateArgs;
use crate::context::find_root;
use crate::exit::Refused;
use crate::outcome::Report;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &GenerateArgs) -> anyhow::Result<Report<Generated>> {
    let root = find_root()?;
    if args.check {
        check(&root)?;
        return Ok(Report::done(Generated { written: Vec::new() }));
    }
    let outdated = outdated(&root)?;
    if !outdated.is_empty() {
        session.changes.note();
    }
    write(&root, &outdated)?;
    Ok(Report::done(Generated { written: outdated.into_iter().map(|file| file.path).collect() }))
}

/// The files that are not as they would be written.
///
/// # Errors
/// project.yml's own, and files that cannot be read.
pub(super) fn outdated(root: &Path) -> anyhow::Result<Vec<GeneratedFile<String>>> {
    const FAILED: &str = "failed to read the generated files";
    let project = Project::load(root)?;
    let outdated = generate::check(root, &project).context(FAILED)?;
    let files = generate::files(&project, &Place::find(root).context(FAILED)?).context(FAILED)?;
    let files = files.into_iter().filter(|file| outdated.contains(&file.path));
    let mut files: Vec<_> =
        files.map(|file| GeneratedFile { path: file.path.to_owned(), text: file.text }).collect();
    files.extend(workflow::outdated(root)?);
    Ok(files)
}

/// Writes them.
///
/// # Errors
/// Files that cannot be written.
pub(super) fn write(root: &Path, files: &[GeneratedFile<String>]) -> anyhow::Result<()> {
    for file in files {
        write_whole(&root.join(&file.path), &file.text)
            .with_context(|| format!("failed to write `{}`", file.path))?;
    }
    Ok(())
}

/// Refuses if a file is not as it would be written.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let outdated: Vec<String> = outdated(root)?.into_iter().map(|file| file.path).collect();
    if outdated.is_empty() {
        return Ok(());
    }
    let refused = format!("{} must be as infra/project.yml makes it", outdated.join(", "));
    Err(Refused::new(refused).hint("run `cargo xtask generate` and commit what it writes").into())
}

#[derive(Serialize)]
pub(crate) struct Generated {
    written: Vec<String>,
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.written.is_empty() {
            true => write!(f, "the generated files are in step with infra/project.yml"),
            false => write!(f, "wrote {}", self.written.join(", ")),
        }
    }
}
