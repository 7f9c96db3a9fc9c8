//! `cargo xtask check`: what must be true of a commit, in the order in which it fails fastest.
//!
//! The generated files and the templates are judged by this tool, the project's code by the project: by `check` in
//! project.yml, and by the steps its `xtask` adds. Changes nothing but `target/`; with `--install-missing` it installs
//! what is missing.

mod templates;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;
use tempfile::TempDir;
use tokio::process::Command;

use crate::cli::CheckArgs;
use crate::context::find_root;
use crate::exit::{Interrupted, Refused};
use crate::install::{self, Package};
use crate::outcome::Report;
use crate::session::Session;
use crate::{local, process};
use seatrial_project::Project;

type Step = Box<dyn Fn(&Checking<'_>) -> Result<(), String>>;

/// A step that a project adds.
pub struct Check {
    name: &'static str,
    run: Step,
}

impl Check {
    /// A step called `name`; what it answers as an error is printed, and fails the check.
    pub fn new(name: &'static str, run: impl Fn(&Checking<'_>) -> Result<(), String> + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// What a step of the project's works with.
pub struct Checking<'a> {
    session: &'a Session,
    root: &'a Path,
    install_missing: bool,
}

impl Checking<'_> {
    /// The project's folder.
    pub fn root(&self) -> &Path {
        self.root
    }

    /// The files that git knows or would add, below the project's folder and relative to it, sorted.
    ///
    /// # Errors
    /// A folder that is no checkout.
    pub fn files(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "--", pattern];
        let output = seatrial_image::git::command(self.root).args(arguments).output();
        let output = output.map_err(|error| format!("failed to run `git ls-files`: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        let listed = String::from_utf8_lossy(&output.stdout);
        let mut paths: Vec<PathBuf> =
            listed.lines().map(PathBuf::from).filter(|path| self.root.join(path).exists()).collect();
        paths.sort();
        Ok(paths)
    }

    /// Makes sure that a program is there: installed with `--install-missing`, else an error that says how.
    ///
    /// # Errors
    /// A program that is missing and is not to be installed, or cannot be.
    pub fn needs(&self, package: &Package) -> Result<(), String> {
        install::ensure_program(self.session, self.install_missing, package)
            .map_err(|error| format!("{error:#}"))
    }

    /// The same for a package of PyPI's, pinned as `name==version`; the folder of its programs.
    ///
    /// # Errors
    /// As [`Checking::needs`].
    pub fn needs_python(&self, requirement: &str) -> Result<PathBuf, String> {
        install::ensure_python(self.session, self.root, self.install_missing, requirement)
            .map_err(|error| format!("{error:#}"))
    }

    /// Makes sure that a Postgres server is there.
    ///
    /// # Errors
    /// As [`Checking::needs`].
    pub fn needs_postgres(&self) -> Result<(), String> {
        install::ensure_postgres(self.session, self.install_missing).map_err(|error| format!("{error:#}"))
    }
}

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
    run.step("generated files", async || super::generate::check(&root)).await?;
    run.step("templates", async || templates::check(&checking).await).await?;
    for check in own {
        let answer = || (check.run)(&checking).map_err(|why| session.cancelled_or(Refused::new(why)));
        let answered = async || tokio::task::block_in_place(answer);
        run.step(check.name, answered).await?;
    }
    for command in &project.check {
        run.step(command, async || scratch.run(session, &root, command).await).await?;
    }
    scratch.close().await?;
    let mut report = run.report;
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
    async fn step(
        &mut self,
        name: &str,
        run: impl AsyncFnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.session.cancel.is_cancelled() {
            return Ok(());
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
        Ok(())
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
