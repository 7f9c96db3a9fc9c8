//! `cargo xtask check`: what must be true of a commit, in the order in which it fails fastest.
//!
//! The generated files and the templates are judged by this tool, the project's code by the project: by `check` in
//! project.yml, and by the steps its `xtask` adds. Changes nothing but `target/`; with `--install-missing` it installs
//! what is missing.

mod checking;
mod templates;

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;
use tempfile::TempDir;
use tokio::process::Command;

pub use self::checking::{Check, Checking};
use crate::cli::CheckArgs;
use crate::context::find_root;
use crate::exit::{Interrupted, Refused};
use crate::outcome::Report;
use crate::running::unless_it_panics;
use crate::session::Session;
use crate::{local, process};
use seatrial_project::Project;

/// The steps and how they ended.
#[derive(Default, Serialize)]
pub(crate) struct Checked {
    passed: bool,
    steps: Vec<StepResult>,
}

#[derive(Serialize)]
struct StepResult {
    name: String,
    passed: bool,
    seconds: f64,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let verdict = if step.passed { "passed" } else { "FAILED" };
            writeln!(f, "{verdict} {:>7.1} s  {}", step.seconds, step.name)?;
        }
        write!(f, "{}", if self.passed { "all checks passed" } else { "some checks FAILED" })
    }
}

pub(crate) async fn run(
    session: &Session,
    args: &CheckArgs,
    own: &[Check],
) -> anyhow::Result<Report<Checked>> {
    let root = find_root()?;
    let project = Project::load(&root)?;
    let checking = Checking { session, root: &root, install_missing: args.install_missing };
    let scratch = Scratch::make()?;
    let mut run = Run { session, report: Report::done(Checked::default()) };
    run.step("generated files", async || super::generate::check(&root)).await;
    run.step("templates", async || templates::check(&checking).await).await;
    for check in own {
        let answer = || {
            let answer = unless_it_panics(|| (check.run)(&checking))?;
            answer.map_err(|why| session.cancelled_or(Refused::new(why)))
        };
        let answered = async || tokio::task::block_in_place(answer);
        run.step(check.name, answered).await;
    }
    for command in &project.check {
        run.step(command, async || scratch.run(session, &root, command).await).await;
    }
    // The last: one of the commands may be a rehearsal.
    run.step("permissions", async || super::permissions::check(session, &root, &project)).await;
    let mut report = run.report;
    report.errors.extend(scratch.close().await.err());
    // Whatever was not reached has not passed.
    if session.cancel.is_cancelled() && !report.errors.iter().any(anyhow::Error::is::<Interrupted>) {
        report.errors.push(Interrupted.into());
    }
    report.fields.passed = report.errors.is_empty();
    Ok(report)
}

struct Run<'a> {
    session: &'a Session,
    report: Report<Checked>,
}

impl Run<'_> {
    /// Runs a step, if nobody wants the command to end; the others run whether or not it passes.
    async fn step(&mut self, name: &str, run: impl AsyncFnOnce() -> anyhow::Result<()>) {
        if self.session.cancel.is_cancelled() {
            return;
        }
        let printer = &self.session.printer;
        printer.event("check", format_args!("{name} ..."));
        printer.flush();
        let started = Instant::now();
        let result = run().await;
        let seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        let passed = result.is_ok();
        let verdict = if passed { "passed" } else { "FAILED" };
        printer.event("check", format_args!("{name} {verdict} in {seconds} s"));
        self.report.fields.steps.push(StepResult { name: name.to_owned(), passed, seconds });
        if let Err(error) = result {
            let error = match error.is::<Interrupted>() {
                true => error,
                false => error.context(format!("check `{name}` failed")),
            };
            self.report.errors.push(error);
        }
    }
}

/// Where the project's commands keep what they need for a moment: gone with the check, however it ends.
struct Scratch(TempDir);

impl Scratch {
    fn make() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("seatrial-check-").tempdir();
        Ok(Self(dir.context("failed to make a directory for temporary files")?))
    }

    /// Runs a command of the project's as it would be typed.
    async fn run(&self, session: &Session, root: &Path, command: &str) -> anyhow::Result<()> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(root).env("TMPDIR", self.0.path());
        let status = process::run(session, shell).await?;
        if status.success() { Ok(()) } else { Err(Refused::new(format!("it ended with {status}")).into()) }
    }

    /// Ends the local clouds that have their data here, which left the group of whoever started them, and removes
    /// everything.
    async fn close(self) -> anyhow::Result<()> {
        local::end_those_below(self.0.path()).await?;
        self.0.close().context("failed to remove the directory of temporary files")
    }
}
