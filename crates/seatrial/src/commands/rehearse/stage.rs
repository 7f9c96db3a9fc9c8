//! Where a rehearsal plays: a private clone, a data directory and a local cloud that nobody else uses.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use tempfile::TempDir;
use xshell::cmd;

use crate::context::serve_options;
use crate::local::{self, Connection};
use crate::output::Printer;
use crate::process::{head_commit, shell};
use crate::project::Environment;

pub(super) struct Stage {
    /// The private clone; the checkout itself where it is no git checkout.
    pub source: PathBuf,
    pub environment: Environment,
    pub connection: Connection,
    guard: Guard,
}

/// What a rehearsal puts into its directory.
const SOURCE: &str = "source";
const DATA_DIR: &str = "local-cloud";

/// Ends the local cloud and removes its data, also when the rehearsal is interrupted or fails half-way.
struct Guard {
    dir: Option<TempDir>,
    data_dir: PathBuf,
}

impl Stage {
    pub(super) async fn build(
        root: &Path,
        environment: &Environment,
        printer: &Printer,
    ) -> anyhow::Result<Self> {
        let began = Instant::now();
        let dir = tempfile::Builder::new().prefix("seatrial-rehearsal-").tempdir();
        let dir = dir.context("failed to make a directory for the rehearsal")?;
        let source = clone(root, dir.path(), printer)?;
        let mut options = serve_options(root, environment, Some(0))?;
        options.data_dir = dir.path().join(DATA_DIR);
        options.source.clone_from(&source);
        let guard = Guard { data_dir: options.data_dir.clone(), dir: Some(dir) };
        let connection = local::ensure_running(&options).await?;
        printer.event(
            "rehearse",
            format_args!(
                "local cloud at {} after {:.1} s",
                connection.endpoint,
                began.elapsed().as_secs_f64()
            ),
        );
        Ok(Self { source, environment: environment.clone(), connection, guard })
    }

    /// Arms one fault in the local cloud.
    pub(super) async fn arm(&self, kind: &str) -> anyhow::Result<()> {
        local::post(&self.connection, "/_local/faults", &serde_json::json!({ "kind": kind })).await
    }

    /// Leaves everything as it is, and says where.
    pub(super) fn keep(mut self, printer: &Printer) {
        let data_dir = self.guard.data_dir.display().to_string();
        let kept = self.guard.dir.take().map(TempDir::keep).unwrap_or_default();
        printer.note(format_args!("the local cloud is left running at {}", self.connection.endpoint));
        printer.note(format_args!("  to use it: export XTASK_LOCAL_DATA_DIR={data_dir}"));
        let folder = kept.display();
        printer.note(format_args!("  to end it: cargo xtask local reset --yes && rm -r {folder}"));
    }

    /// Ends the local cloud and removes everything.
    pub(super) async fn clear(mut self, printer: &Printer) -> anyhow::Result<()> {
        let left = local::reset(&self.guard.data_dir).await?;
        let Some(dir) = self.guard.dir.take() else { return Ok(()) };
        for path in close(dir, left)? {
            printer.note(format_args!("left, as it is not the rehearsal's: `{}`", path.display()));
        }
        Ok(())
    }
}

/// Removes the rehearsal's directory, unless somebody put something of his own there: answers that, and leaves it.
fn close(dir: TempDir, mut left: Vec<PathBuf>) -> std::io::Result<Vec<PathBuf>> {
    left.extend(local::others(dir.path(), &[SOURCE, DATA_DIR])?);
    if left.is_empty() {
        dir.close()?;
        return Ok(left);
    }
    match std::fs::remove_dir_all(dir.keep().join(SOURCE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(left),
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(dir) = self.dir.take() {
            // Nobody is left to hear of a failure; what could not be looked through stays.
            match local::end_and_wait(&self.data_dir) {
                Ok(left) => drop(close(dir, left)),
                Err(_) => drop(dir.keep()),
            }
        }
    }
}

/// A clone of the checkout's commit. Its files are its own: a rehearsal never writes into the user's checkout.
fn clone(root: &Path, into: &Path, printer: &Printer) -> anyhow::Result<PathBuf> {
    let Some(head) = head_commit(root)? else {
        printer.warning("this is no git checkout: the tree is rehearsed as it is");
        return Ok(root.to_owned());
    };
    if head.dirty {
        printer.warning("the tree has changes that are not committed: the commit is rehearsed without them");
    }
    let target = into.join(SOURCE);
    let (commit, sh) = (&head.commit, shell(into)?);
    cmd!(sh, "git clone --quiet --no-checkout {root} {target}").quiet().run()?;
    let sh = shell(&target)?;
    cmd!(sh, "git checkout --quiet --detach {commit}").quiet().run()?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsals_directory_goes_unless_there_is_something_of_somebody_else_in_it() {
        let foreign: [&[&str]; 3] = [&[], &["notes.txt"], &["local-cloud/notes.txt"]];
        for foreign in foreign {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().to_owned();
            for made in [SOURCE, DATA_DIR] {
                std::fs::create_dir(path.join(made)).unwrap();
            }
            let foreign: Vec<PathBuf> = foreign.iter().map(|file| path.join(file)).collect();
            foreign.iter().for_each(|file| std::fs::write(file, "mine").unwrap());
            let in_data_dir = local::others(&path.join(DATA_DIR), &[]).unwrap();

            let left = close(dir, in_data_dir).unwrap();

            assert_eq!(left, foreign);
            assert!(foreign.iter().all(|file| file.exists()));
            assert!(!path.join(SOURCE).exists());
            assert_eq!(path.exists(), !foreign.is_empty());
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
