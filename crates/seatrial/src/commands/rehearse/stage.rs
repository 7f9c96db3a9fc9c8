//! Where a rehearsal plays: a private clone, a data directory and a local cloud that nobody else uses.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use seatrial_project::{Environment, LOCAL_ENVIRONMENT, Project};
use tokio::process::Command;

use super::migration;
use crate::context::serve_options;
use crate::exit::Refused;
use crate::git::Head;
use crate::local::{self, Connection, Owner, REHEARSAL_DATA_DIR, REHEARSAL_SOURCE};
use crate::process;
use crate::session::Session;

pub(super) struct Stage {
    /// The project in the private clone; the project's folder itself where it is no git checkout.
    pub project: PathBuf,
    pub environment: Environment,
    pub connection: Connection,
}

/// The rehearsal's directory, to be kept or cleared in the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn make() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("seatrial-rehearsal-").tempdir();
        let dir = dir.context("failed to make a directory for the rehearsal")?;
        Ok(Self(dir.keep()))
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.0.join(REHEARSAL_DATA_DIR)
    }

    /// Leaves everything as it is, and says where.
    pub(super) fn keep(self, stage: &Stage, session: &Session) -> anyhow::Result<()> {
        let printer = &session.printer;
        let (folder, data_dir) = (self.0.display(), self.data_dir());
        local::disown(&data_dir)?;
        let data_dir = data_dir.display();
        printer.note(format_args!("the local cloud is left running at {}", stage.connection.endpoint));
        printer.note(format_args!("  to use it: export XTASK_LOCAL_DATA_DIR={data_dir}"));
        let program = session.program;
        printer.note(format_args!("  to end it: {program} local reset --yes && rm -r {folder}"));
        Ok(())
    }

    /// Ends the local cloud, if there is one, and removes everything but what somebody else put there.
    pub(super) async fn clear(self, session: &Session) -> anyhow::Result<()> {
        let stays = || format!("the rehearsal's directory `{}` is left behind", self.0.display());
        local::stop(session, &self.data_dir()).await.with_context(stays)?;
        for path in local::remove_rehearsal(&self.0).with_context(stays)? {
            session.printer.note(format_args!("left, as it is not the rehearsal's: `{}`", path.display()));
        }
        Ok(())
    }
}

impl Stage {
    /// `migrates`: the clone must have a migration to fail.
    pub(super) async fn build(
        session: &Session,
        (root, migrates): (&Path, bool),
        folder: &Folder,
    ) -> anyhow::Result<Self> {
        let began = Instant::now();
        let project = clone(session, root, &folder.0).await?;
        // As it was committed, whatever lies beside it.
        let load = || anyhow::Ok(Project::load(&project)?.environment(Some(LOCAL_ENVIRONMENT))?.clone());
        let mut environment = load()?;
        if migrates && project == root {
            return Err(Refused::new(
                "scenario `bad-migration` changes a clone, and this is no git checkout",
            )
            .into());
        }
        if migrates && environment.migrate.is_none() {
            let told = "the project says no `migrate`: the rehearsal's clone runs its image with the command `migrate`";
            session.printer.event("rehearse", told);
            migration::give_command(&project)?;
            environment = load()?;
        }
        let mut options = serve_options(root, &environment, Some(0))?;
        options.data_dir = folder.data_dir();
        options.source.clone_from(&project);
        // Whatever becomes of this process: its local cloud does not outlive it, nor what it kept.
        options.owner = Some(Owner::this_process());
        options.throwaway = Some(folder.0.clone());
        let connection = local::ensure_running(session, &options).await?;
        let took = began.elapsed().as_secs_f64();
        let text = format_args!("local cloud at {} after {took:.1} s", connection.endpoint);
        session.printer.event("rehearse", text);
        Ok(Self { project, environment, connection })
    }

    /// Arms one fault in the local cloud.
    pub(super) async fn arm(&self, kind: &str) -> anyhow::Result<()> {
        local::post(&self.connection, "/_local/faults", &serde_json::json!({ "kind": kind })).await
    }
}

/// A clone of the checkout's commit, and where the project lies in it. Its files are its own: a rehearsal never writes
/// into the user's checkout.
async fn clone(session: &Session, root: &Path, into: &Path) -> anyhow::Result<PathBuf> {
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
