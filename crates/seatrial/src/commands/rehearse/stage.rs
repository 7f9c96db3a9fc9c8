//! Where a rehearsal plays: a private clone, a data directory and a local cloud that nobody else uses.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use seatrial_project::{Environment, Project};
use serde_json::Value;

use super::{clone, like, migration};
use crate::context::serve_options;
use crate::exit::Refused;
use crate::local::{self, Connection, Opened, Owner, REHEARSAL_DATA_DIR};
use crate::session::Session;

pub(super) struct Stage {
    /// The project in the private clone; the project's folder itself where it is no git checkout.
    pub project: PathBuf,
    pub environment: Environment,
    pub connection: Connection,
    /// What project.yml names and is made up here.
    pub stand_ins: Vec<String>,
    /// What an environment has and is not rehearsed, a line each.
    pub left_out: Vec<String>,
}

/// What is to be rehearsed.
pub(super) struct Wanted<'a> {
    /// The project in the user's checkout.
    pub root: &'a Path,
    pub environment: &'a str,
    /// The clone must have a migration to fail.
    pub migrates: bool,
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
        let Environment { name, .. } = &stage.environment;
        if !stage.environment.is_local() {
            let told = "then what `local status` prints to be exported, without which";
            printer.note(format_args!("  {told} `--environment {name}` is your account"));
        }
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

/// What a rehearsal does not try where the local cloud has no namespaces for tasks.
const PLAIN_TASKS: &str = "tasks are plain processes: that the program is process 1 and what it does at SIGTERM, its user, \
     its own files, and that it listens on all addresses and reaches nothing else were not tried";

impl Stage {
    pub(super) async fn build(
        session: &Session,
        wanted: &Wanted<'_>,
        folder: &Folder,
    ) -> anyhow::Result<Self> {
        let began = Instant::now();
        let root = wanted.root;
        let project = clone::make(session, root, &folder.0).await?;
        let (environment, mut left_out) = settle(session, &project, wanted)?;
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
        if let Some(why) = local::no_namespaces(&connection).await? {
            let line = format!("{PLAIN_TASKS} ({why})");
            session.printer.event("rehearse", format_args!("not as in `{}`: {line}", environment.name));
            left_out.push(line);
        }
        let stand_ins = like::stand_in(&connection, &environment).await?;
        for name in &stand_ins {
            let told = format_args!("`{name}` is a stand-in of the same ARN: what is in it is made up");
            session.printer.event("rehearse", told);
        }
        Ok(Self { project, environment, connection, stand_ins, left_out })
    }

    /// Opens its page; that it cannot be opened is no reason to end.
    pub(super) async fn open(&self, session: &Session) {
        match local::open_page(&self.connection).await {
            Ok(Opened::Browser) => session.printer.note("the page is open in your browser"),
            Ok(Opened::At(address)) => {
                session.printer.note(format_args!("the page opens once, within a minute, at {address}"));
            }
            Err(error) => session.printer.warning(format_args!("the page cannot be opened: {error:#}")),
        }
    }

    /// Tells its page how the rehearsal stands: it goes on also where nobody can be told.
    pub(super) async fn tell(&self, session: &Session, verdict: &Value) {
        if let Err(error) = local::tell_page(&self.connection, verdict).await
            && !session.cancel.is_cancelled()
        {
            session.printer.warning(format_args!("the page does not know how it stands: {error:#}"));
        }
    }

    /// All that its page shows, with this verdict.
    pub(super) async fn page(&self, verdict: &Value) -> anyhow::Result<Value> {
        local::tell_page(&self.connection, verdict).await?;
        local::page_data(&self.connection).await
    }

    /// Arms one fault in the local cloud.
    pub(super) async fn arm(&self, kind: &str) -> anyhow::Result<()> {
        local::post(&self.connection, "/_local/faults", &serde_json::json!({ "kind": kind })).await
    }
}

/// The environment as it was committed, whatever lies beside it, and what of it is not rehearsed; the clone is changed as
/// the rehearsal needs it.
fn settle(
    session: &Session,
    project: &Path,
    wanted: &Wanted<'_>,
) -> anyhow::Result<(Environment, Vec<String>)> {
    let load = || anyhow::Ok(Project::load(project)?.environment(Some(wanted.environment))?.clone());
    let environment = load()?;
    let is_own = project != wanted.root;
    if wanted.migrates && !is_own {
        let refused = "scenario `bad-migration` changes a clone, and this is no git checkout";
        return Err(Refused::new(refused).into());
    }
    if wanted.migrates && environment.migrate.is_none() {
        let told =
            "the project says no `migrate`: the rehearsal's clone runs its image with the command `migrate`";
        session.printer.event("rehearse", told);
        migration::give_command(project)?;
    }
    let runs_here = match is_own && !environment.is_local() {
        true => like::run_here(project, environment.app.architecture)?,
        false => None,
    };
    let (environment, mut left_out) = like::apart(project, load()?)?;
    left_out.extend(runs_here);
    for line in &left_out {
        session.printer.event("rehearse", format_args!("not as in `{}`: {line}", environment.name));
    }
    Ok((environment, left_out))
}
