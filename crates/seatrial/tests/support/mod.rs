//! A project of its own for each test, and the built binary run in it with an empty environment.

#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be prepared has failed")]

pub mod aws_cli;
pub mod checkout;
pub mod emulator;
mod ended;
pub mod fixture;
pub mod load;
pub mod terminal;
pub mod toolchain;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use self::ended::Ended;

/// The fixture's `infra/` and `.aws/`, without git and without an application.
pub struct Project {
    dir: TempDir,
    /// Where in `dir` it lies.
    inside: &'static str,
}

impl Project {
    pub fn new() -> Self {
        Self::below("")
    }

    /// In a folder of a directory of its own.
    pub fn below(inside: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fixture::write_project(&dir.path().join(inside));
        Self { dir, inside }
    }

    /// The directory that all of it lies in.
    pub fn top(&self) -> &Path {
        self.dir.path()
    }

    /// Where its local cloud keeps everything. Beside a project that lies below: all that is in one is packed for its
    /// build where no git says what belongs to it.
    pub fn data_dir(&self) -> PathBuf {
        self.top().join("local-cloud")
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(self.inside).join(file)
    }

    pub fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(file), bytes).unwrap();
    }

    /// Puts `with` in the place of `what` in project.yml.
    pub fn edit(&self, what: &str, with: &str) {
        let path = self.path("infra/project.yml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(what), "project.yml has no `{what}`");
        std::fs::write(path, text.replacen(what, with, 1)).unwrap();
    }

    /// The tool, to be run in the project with a data directory inside it.
    pub fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-seatrial"));
        command.args(arguments).current_dir(self.path("")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.top());
        command.env("XTASK_LOCAL_DATA_DIR", self.data_dir());
        command.env("XTASK_LOCAL_OWNER", std::process::id().to_string());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.xtask(arguments).output().unwrap())
    }
}

/// Waits until something is so.
#[track_caller]
pub fn until<T>(patience: Duration, what: &str, condition: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within {patience:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits for a run that was begun.
pub fn ended_of(run: Child) -> Ended {
    Ended::of(run.wait_with_output().unwrap())
}

impl Drop for Project {
    /// A local cloud that a test left running, failed or not.
    fn drop(&mut self) {
        if self.data_dir().join("daemon.json").exists() {
            self.run(&["local", "stop"]);
        }
    }
}

impl Ended {
    /// Refused: exit code 3, nothing on stdout, the error led by `start`, no panic.
    #[track_caller]
    pub fn refused(&self, start: &str) {
        assert_eq!(self.code, Some(3), "{}\n{}", self.stdout, self.stderr);
        assert!(self.stderr.starts_with(&format!("error: {start}")), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}
