//! `cargo xtask generate`: writes `.aws/*` from infra/project.yml. Changes files of the checkout only.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use seatrial_project::Project;
use seatrial_project::generate::{self, Place};
use serde::Serialize;

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
    let project = Project::load(&root)?;
    let written = write(&root, &project).context("failed to write the generated files")?;
    if !written.is_empty() {
        session.changes.note();
    }
    Ok(Report::done(Generated { written }))
}

/// Writes the files that differ and gives their paths.
fn write(root: &Path, project: &Project) -> io::Result<Vec<&'static str>> {
    let outdated = generate::check(root, project)?;
    let files = generate::files(project, &Place::find(root)?)?;
    for file in files.into_iter().filter(|file| outdated.contains(&file.path)) {
        let path = root.join(file.path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, file.text)?;
    }
    Ok(outdated)
}

/// Refuses if a file is not as it would be written.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let project = Project::load(root)?;
    let outdated = generate::check(root, &project).context("failed to read the generated files")?;
    if outdated.is_empty() {
        return Ok(());
    }
    let refused = format!("{} must be as infra/project.yml makes it", outdated.join(", "));
    Err(Refused::new(refused).hint("run `cargo xtask generate` and commit what it writes").into())
}

#[derive(Serialize)]
pub(crate) struct Generated {
    written: Vec<&'static str>,
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.written.is_empty() {
            true => write!(f, "the generated files are in step with infra/project.yml"),
            false => write!(f, "wrote {}", self.written.join(", ")),
        }
    }
}
