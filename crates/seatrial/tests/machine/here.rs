//! A project of one tiny stack, in a repository of its own, and the machine around it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// So long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const PROJECT: &str = include_str!("../support/fixture/project.yml");
/// A log group: nothing that takes time, or a database.
const STACK: &str = "Description: Notes
Resources:
  Notes:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      RetentionInDays: 7
";

/// A repository with the project in one of its folders, or at its top.
pub struct Here {
    dir: TempDir,
    inside: &'static str,
}

impl Here {
    pub fn new() -> Self {
        Self::inside("")
    }

    /// The project lies in this folder of the repository.
    pub fn inside(inside: &'static str) -> Self {
        let here = Self { dir: tempfile::tempdir().unwrap(), inside };
        let project = here.project();
        std::fs::create_dir_all(project.join("infra/stacks")).unwrap();
        for folder in ["tmp", "home"] {
            std::fs::create_dir_all(here.path(folder)).unwrap();
        }
        std::fs::write(project.join("infra/project.yml"), PROJECT).unwrap();
        std::fs::write(project.join("infra/stacks/notes.yml"), STACK).unwrap();
        here.git(&["init", "--quiet", "--initial-branch", "main"]);
        here.commit();
        here
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    pub fn project(&self) -> PathBuf {
        self.repository().join(self.inside)
    }

    pub fn data_dir(&self) -> PathBuf {
        self.path("local-cloud")
    }

    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "change"]);
    }

    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.repository(), arguments)
    }

    /// Gives the project checks.
    pub fn check_with(&self, commands: &str) {
        let path = self.project().join("infra/project.yml");
        std::fs::write(path, format!("{PROJECT}check:\n{commands}\n")).unwrap();
    }

    /// The tool, in an environment of its own; what it starts ends with this test.
    pub fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-seatrial"));
        command.args(arguments).current_dir(self.project()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.env("XTASK_LOCAL_DATA_DIR", self.data_dir());
        command.env("XTASK_LOCAL_OWNER", std::process::id().to_string());
        command
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        object(&self.tool(&[arguments, &["--output", "json"]].concat()).output().unwrap())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let _ = self.tool(&["local", "stop"]).output();
    }
}

/// The one object on standard output of a command that succeeded.
#[track_caller]
pub fn object(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
pub fn git_in(directory: &Path, arguments: &[&str]) -> String {
    std::fs::create_dir_all(directory).unwrap();
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]);
    let output = command.args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", errors(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

/// Whether a process runs; one that has ended and was not waited for does not.
pub fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what} within {PATIENCE:?}");
        std::thread::yield_now();
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reads a number that a process writes into a file.
#[track_caller]
pub fn number_in(path: &Path) -> u32 {
    let mut number = None;
    until(&format!("a number in {}", path.display()), || {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        number = text.strip_suffix('\n').and_then(|text| text.parse().ok());
        number.is_some()
    });
    number.unwrap()
}

/// Waits for the end of a command that was told to end.
#[track_caller]
pub fn ended(mut child: Child) -> Output {
    until("an end", || child.try_wait().unwrap().is_some());
    child.wait_with_output().unwrap()
}
