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

pub(super) struct Scratch {
    dir: TempDir,
    program: PathBuf,
}

impl Scratch {
    /// Clones the repository that this is called in.
    pub(super) fn make(running: &Running<'_>) -> Result<Self, String> {
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

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn checkout(&self) -> PathBuf {
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
    pub(super) fn data_dir(&self) -> PathBuf {
        self.path().join("local-cloud")
    }

    /// Ends the local cloud of the checkout, with all its data.
    pub(super) fn reset(&self, running: &Running<'_>) {
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
