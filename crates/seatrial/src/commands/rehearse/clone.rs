//! The private clone of a rehearsal: made of the checkout's commit, changed as a rehearsal needs it, and committed there.
//! The user's checkout is never written to.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seatrial_project::generate::{self, Place};
use seatrial_project::{PROJECT_FILE, Project};
use tokio::process::Command;

use crate::exit::Refused;
use crate::git::Head;
use crate::local::REHEARSAL_SOURCE;
use crate::process;
use crate::session::Session;

/// A clone of the checkout's commit, and where the project lies in it. Its files are its own: a rehearsal never writes
/// into the user's checkout.
pub(super) async fn make(session: &Session, root: &Path, into: &Path) -> anyhow::Result<PathBuf> {
    let Some(head) = Head::of(root)? else {
        session.printer.warning("this is no git checkout: the tree is rehearsed as it is");
        return Ok(root.to_owned());
    };
    if head.dirty {
        let told = "the tree has changes that are not committed: the commit is rehearsed without them";
        session.printer.warning(told);
    }
    let target = into.join(REHEARSAL_SOURCE);
    let mut clone = seatrial_git::command(into);
    clone.args(["clone", "--quiet", "--no-checkout"]).args([head.git.top(), &target]);
    git(session, clone).await?;
    let mut checkout = seatrial_git::command(&target);
    checkout.args(["checkout", "--quiet", "--detach", &head.commit]);
    git(session, checkout).await?;
    Ok(target.join(head.git.inside()))
}

async fn git(session: &Session, command: std::process::Command) -> anyhow::Result<()> {
    let output = process::output(session, Command::from(command)).await?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Refused::new(format!("the commit cannot be cloned: {said}")).into())
}

/// Changes project.yml, makes the files that follow from it anew, and commits.
pub(super) fn rewrite(
    clone: &Path,
    change: impl FnOnce(&str) -> String,
    message: &str,
) -> anyhow::Result<()> {
    let path = clone.join(PROJECT_FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
    fs::write(&path, change(&text))?;
    for file in generate::files(&Project::load(clone)?, &Place::find(clone)?)? {
        fs::write(clone.join(file.path), file.text)?;
    }
    commit(clone, message)
}

pub(super) fn commit(clone: &Path, message: &str) -> anyhow::Result<()> {
    read(clone, &["add", "--all", "."])?;
    let who =
        ["-c", "user.name=Rehearsal", "-c", "user.email=rehearsal@localhost", "-c", "commit.gpgsign=false"];
    read(clone, &[&who[..], &["commit", "--quiet", "--no-verify", "-m", message]].concat()).map(drop)
}

/// What git prints, without the end of its last line.
pub(super) fn read(clone: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let printed = seatrial_git::bytes(clone, arguments)?;
    Ok(String::from_utf8_lossy(&printed).trim_end().to_owned())
}
