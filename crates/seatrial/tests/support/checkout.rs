//! A clone of this repository, in which the built binary makes real images and releases.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use super::Ended;

/// Two image builds at once would only wait for each other, and the probes would measure the compiler.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// In 2005.
const LONG_AGO: u64 = 1_120_000_000;

/// A clone of this repository with a local cloud of its own.
pub struct Checkout {
    dir: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Checkout {
    pub fn new() -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let dir = tempfile::tempdir().unwrap();
        let checkout = Self { dir, _turn: turn };
        let path = checkout.path();
        git(root, &["clone", "--quiet", ".", path.to_str().unwrap()]);
        git(&path, &["config", "user.name", "Test"]);
        git(&path, &["config", "user.email", "test@example.com"]);
        checkout
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("checkout")
    }

    /// Where its local cloud keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("local-cloud")
    }

    /// The tool, to be run in the clone.
    fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-seatrial"));
        command.args(arguments).current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            // What cargo tells a test about this crate would be told to the image's build too.
            if name.starts_with("AWS_") || name.starts_with("CARGO_PKG_") || name.starts_with("XTASK_") {
                command.env_remove(name);
            }
        }
        command.env("XTASK_LOCAL_DATA_DIR", self.data_dir());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.xtask(arguments).output().unwrap())
    }

    /// Builds the image in this clone, with products that no build of the pipeline shares, but later runs do.
    #[track_caller]
    pub fn build_by_hand(&self) -> Value {
        let mut command = self.xtask(&["build-image", "--output", "json"]);
        let ended = Ended::of(command.env("BUILD_CACHE_DIR", by_hand()).output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The binary that [`Checkout::build_by_hand`] made.
    pub fn binary_built_by_hand(&self) -> PathBuf {
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        by_hand().join("image").join(target).join("image/app")
    }

    /// Runs with `--output json` and reads the one object.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    pub fn head(&self) -> String {
        git(&self.path(), &["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Commits a changed file as if that had been long ago: file and commit are older than every build.
    pub fn commit_long_ago(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::write(&path, text).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(LONG_AGO);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        let mut commit = Command::new("git");
        commit.args(["commit", "--quiet", "--all", "--message", "Change a file"]).current_dir(self.path());
        let date = format!("{LONG_AGO} +0000");
        commit.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        assert!(commit.status().unwrap().success());
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        self.run(&["local", "reset", "--yes"]);
    }
}

fn by_hand() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("by-hand")
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
