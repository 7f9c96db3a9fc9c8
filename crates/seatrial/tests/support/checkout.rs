//! A git checkout in which the built binary makes real images and releases.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use seatrial_project::Project;
use serde_json::Value;
use tempfile::TempDir;

use super::Ended;
use super::fixture::{self, Layout, git};
use super::terminal::script;

/// In 2005.
const LONG_AGO: u64 = 1_120_000_000;

/// A checkout with a local cloud of its own.
pub struct Checkout {
    dir: TempDir,
    /// Where in the checkout the project lies.
    inside: &'static str,
}

impl Checkout {
    /// Of the fixture `web`.
    pub fn of_fixture(layout: Layout) -> Self {
        Self::of_fixture_below("", layout)
    }

    /// The same in a folder of its repository.
    pub fn of_fixture_below(inside: &'static str, layout: Layout) -> Self {
        let checkout = Self::empty(inside);
        fixture::write_repository(&checkout.top(), inside, layout);
        checkout.share_the_build_cache(match layout {
            Layout::Member => "member",
            Layout::OwnWorkspace => "own-workspace",
        });
        checkout
    }

    /// A clone of this repository, with its sample application.
    pub fn of_this_repository() -> Self {
        let checkout = Self::empty("");
        git(fixture::repository(), &["clone", "--quiet", ".", checkout.path().to_str().unwrap()]);
        fixture::name_the_committer(&checkout.path());
        checkout.share_the_build_cache("this-repository");
        checkout
    }

    fn empty(inside: &'static str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), inside }
    }

    fn top(&self) -> PathBuf {
        self.dir.path().join("checkout")
    }

    /// The project's folder.
    pub fn path(&self) -> PathBuf {
        self.top().join(self.inside)
    }

    /// Where its local cloud keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("local-cloud")
    }

    /// The home of the local cloud's builds.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// One folder of products for the builds of all projects of a layout, in which they take turns: the image's builder is
    /// compiled once for all of them, and kept for later runs. With manifests in another place it is another builder, and
    /// takes the other's place.
    fn share_the_build_cache(&self, layout: &str) {
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image-build").join(layout);
        std::fs::create_dir_all(&shared).unwrap();
        let folder = self.home().join(".cache/image-build");
        std::fs::create_dir_all(&folder).unwrap();
        let project = Project::load(&self.path()).unwrap();
        for environment in project.environments.values() {
            std::os::unix::fs::symlink(&shared, folder.join(environment.full_name())).unwrap();
        }
    }

    /// The tool, to be run in the checkout.
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
        // The toolchain and what cargo downloaded are the user's, the build cache is not.
        for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let of_user = std::env::var_os("HOME").map(|home| Path::new(&home).join(folder));
            if let (None, Some(folder)) = (std::env::var_os(variable), of_user.filter(|it| it.exists())) {
                command.env(variable, folder);
            }
        }
        command.env("HOME", self.home());
        command.env("XTASK_LOCAL_DATA_DIR", self.data_dir());
        command.env("XTASK_LOCAL_OWNER", std::process::id().to_string());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.xtask(arguments).output().unwrap())
    }

    /// A run with more variables than its own.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        Ended::of(self.xtask(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    /// Folders of products that the builds of this layout share with those of other checkouts.
    pub fn shared_products(&self) -> Vec<PathBuf> {
        let links = std::fs::read_dir(self.home().join(".cache/image-build")).unwrap();
        let mut folders: Vec<_> =
            links.map(|link| std::fs::canonicalize(link.unwrap().path()).unwrap()).collect();
        folders.dedup();
        folders
    }

    /// Begins a run that is waited for later, or killed.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        self.xtask(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Begins a run at a terminal.
    pub fn begin_at_terminal(&self, arguments: &[&str]) -> Child {
        let run = self.xtask(arguments);
        let words: Vec<String> = [run.get_program()]
            .into_iter()
            .chain(run.get_args())
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let mut script = script(&words.join(" "));
        script.env_clear().current_dir(run.get_current_dir().unwrap());
        script.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.spawn().unwrap()
    }

    /// Puts `with` in the place of `what` in project.yml, and brings the generated files in step.
    #[track_caller]
    pub fn edit_project(&self, what: &str, with: &str) {
        let path = self.path().join("infra/project.yml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(what), "project.yml has no `{what}`");
        std::fs::write(path, text.replacen(what, with, 1)).unwrap();
        assert_eq!(self.run(&["generate"]).code, Some(0));
    }

    /// Writes a template.
    pub fn write_stack(&self, stack: &str, text: &str) {
        std::fs::write(self.path().join(format!("infra/stacks/{stack}.yml")), text).unwrap();
    }

    /// Puts `with` in the place of every `what` in a template.
    #[track_caller]
    pub fn edit_stack(&self, stack: &str, what: &str, with: &str) {
        let path = self.path().join(format!("infra/stacks/{stack}.yml"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(what), "{stack}.yml has no `{what}`");
        std::fs::write(path, text.replace(what, with)).unwrap();
    }

    /// Builds the image in this checkout, with products that no build of the pipeline shares, but later runs do.
    #[track_caller]
    pub fn build_by_hand(&self) -> Value {
        let mut command = self.xtask(&["build-image", "--output", "json"]);
        let ended = Ended::of(command.env("BUILD_CACHE_DIR", by_hand()).output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The binary that [`Checkout::build_by_hand`] made.
    pub fn binary_built_by_hand(&self, name: &str) -> PathBuf {
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        by_hand().join("image").join(target).join("image").join(name)
    }

    /// Runs with `--output json` and reads the one object.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Compiles a file that needs no crate into a static program.
    #[track_caller]
    pub fn compile_program(&self, source: &str, program: &str) {
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-C", "target-feature=+crt-static", "-o", program, source]);
        rustc.args(["--target", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)]);
        assert!(rustc.current_dir(self.path()).status().unwrap().success());
    }

    pub fn commit_all(&self, message: &str) {
        git(&self.path(), &["add", "--all", "."]);
        git(&self.path(), &["commit", "--quiet", "--message", message]);
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
        let mut commit = seatrial_git::command(&self.path());
        commit.args(["commit", "--quiet", "--all", "--message", "Change a file"]);
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
