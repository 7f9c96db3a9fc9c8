//! Where commands are interrupted: a clone of this repository, a project with cheap checks, and folders of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use seatrial::Running;
use tempfile::TempDir;

/// What the cheap project's `check` runs: something that sleeps, something that starts others, something that starts a
/// local cloud, which has a session of its own.
const CHECKS: &str = "check:
  - sleep 3 && true
  - sh -c 'sleep 600 & sh -c \"sleep 600 & wait\" & sleep 4'
  - XTASK_LOCAL_DATA_DIR=$TMPDIR/cloud \"$SOAK_PROGRAM\" local start --port 0 && sleep 600
";

/// Every page of the sample application, and where one of its lines ends.
const PAGE: &str = "app/templates/layout.html";
const LINE: &str = "<body>";

pub(crate) struct Scratch {
    dir: TempDir,
    program: PathBuf,
}

impl Scratch {
    /// Clones the repository that this is called in.
    pub(crate) fn make(running: &Running<'_>) -> Result<Self, String> {
        let told = |what: &'static str| move |error: std::io::Error| format!("failed to {what}: {error}");
        let dir = tempfile::Builder::new().prefix("soak-").tempdir().map_err(told("make a folder"))?;
        let program = std::env::current_exe().map_err(told("find this program"))?;
        let scratch = Self { dir, program };
        let here = std::env::current_dir().map_err(told("find the current folder"))?;
        let checkout = scratch.checkout();
        let mut clone = seatrial_git::command(&here);
        clone.args(["clone", "--quiet"]).arg(&here).arg(&checkout);
        let cloned = running.run(clone)?;
        if !cloned.success() {
            return Err("the repository cannot be cloned".to_owned());
        }
        let cheap = scratch.cheap();
        copy(&checkout.join("infra"), &cheap.join("infra")).map_err(told("copy the project"))?;
        copy(&checkout.join(".aws"), &cheap.join(".aws")).map_err(told("copy the generated files"))?;
        let file = cheap.join("infra/project.yml");
        let text = fs::read_to_string(&file).map_err(told("read project.yml"))?;
        let (before, rest) = text.split_once("check:\n").ok_or("project.yml has no checks")?;
        let after: String = rest
            .lines()
            .skip_while(|line| line.starts_with("  - "))
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(&file, format!("{before}{CHECKS}{after}")).map_err(told("write project.yml"))?;
        // cfn-lint, where it was installed; without it that step fails, and the others come all the same.
        for project in [&checkout, &cheap] {
            fs::create_dir_all(project.join("target")).map_err(told("make a folder"))?;
            let _ = std::os::unix::fs::symlink(here.join("target/python"), project.join("target/python"));
        }
        fs::create_dir_all(scratch.temporary()).map_err(told("make a folder"))?;
        Ok(scratch)
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.path().join("checkout")
    }

    pub(super) fn cheap(&self) -> PathBuf {
        self.path().join("cheap")
    }

    /// Where commands put what they need for a moment.
    pub(super) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// Where the persistent local cloud has its data.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path().join("local-cloud")
    }

    /// Changes one line of the sample application's pages, and commits that.
    pub(crate) fn change_a_line(&self, number: u64) -> Result<(), String> {
        let path = self.checkout().join(PAGE);
        let told = |error: std::io::Error| format!("failed to change `{PAGE}`: {error}");
        let text = fs::read_to_string(&path).map_err(told)?;
        let (before, rest) = text.split_once(LINE).ok_or_else(|| format!("`{PAGE}` has no `{LINE}`"))?;
        let rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        fs::write(&path, format!("{before}{}\n{rest}", Self::line(number))).map_err(told)?;
        self.commit(&format!("Change {number}"))
    }

    /// What every page holds after that change.
    pub(crate) fn line(number: u64) -> String {
        format!("{LINE}<!-- {number} -->")
    }

    /// Commits everything that was written in the checkout.
    pub(crate) fn commit(&self, message: &str) -> Result<(), String> {
        let who = ["-c", "user.name=soak", "-c", "user.email=soak@localhost"];
        let mut add = seatrial_git::command(&self.checkout());
        let added = add.args(["add", "--all", "."]).status();
        added.map_err(|error| format!("`{message}` cannot be added: {error}"))?;
        let mut commit = seatrial_git::command(&self.checkout());
        commit.args(who).args(["commit", "--quiet", "--allow-empty", "--message", message]);
        let committed = commit.status();
        match committed.as_ref().is_ok_and(std::process::ExitStatus::success) {
            true => Ok(()),
            false => Err(format!("`{message}` cannot be committed: {committed:?}")),
        }
    }

    /// Ends the local cloud of the checkout, with all its data.
    pub(crate) fn reset(&self, running: &Running<'_>) {
        let reset = self.tool(&self.checkout(), &["local", "reset", "--yes"]).output();
        if !reset.as_ref().is_ok_and(|output| output.status.success()) {
            running.say(format_args!("`local reset` failed: {reset:?}"));
        }
    }

    /// The tool, to be run in `project`.
    pub(super) fn tool(&self, project: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(project).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let misleads = |name: &str| name.starts_with("AWS_") || name.starts_with("XTASK_");
            if name.to_str().is_some_and(misleads) {
                command.env_remove(name);
            }
        }
        command.env("TMPDIR", self.temporary()).env("XTASK_LOCAL_DATA_DIR", self.data_dir());
        command.env("SOAK_PROGRAM", &self.program);
        command
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => fs::copy(entry.path(), target).map(drop)?,
        }
    }
    Ok(())
}
