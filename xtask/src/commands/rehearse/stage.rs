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
        let dir = tempfile::Builder::new().prefix("slipway-rehearsal-").tempdir();
        let dir = dir.context("failed to make a directory for the rehearsal")?;
        let source = clone(root, dir.path(), printer)?;
        let mut options = serve_options(root, environment, Some(0))?;
        options.data_dir = dir.path().join("local-cloud");
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
    pub(super) async fn clear(mut self) -> anyhow::Result<()> {
        local::reset(&self.guard.data_dir).await?;
        self.guard.dir.take().map_or(Ok(()), TempDir::close)?;
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.dir.is_some() {
            // Nobody is left to hear of a failure.
            let _ = local::end_and_wait(&self.data_dir);
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
    let target = into.join("source");
    let (commit, sh) = (&head.commit, shell(into)?);
    cmd!(sh, "git clone --quiet --no-checkout {root} {target}").quiet().run()?;
    let sh = shell(&target)?;
    cmd!(sh, "git checkout --quiet --detach {commit}").quiet().run()?;
    Ok(target)
}
