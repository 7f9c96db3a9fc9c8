//! `init` and `update` in folders of many kinds: what is made, what is left alone, and what is refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be prepared has failed")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::Ended;
use support::fixture::{self, git};
use tempfile::TempDir;

const DEPENDENCY: [&str; 2] = ["--dependency", "path:seatrial"];
/// A program of no crate that runs without any.
const MAIN: &str = "fn main() {}\n";

/// A folder that may become a project, with the tool's own crates beside it where they are asked for.
struct Folder {
    dir: TempDir,
}

impl Folder {
    fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A repository of these files, and of the tool's.
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = Self::empty();
        fixture::write_tool(&folder.root().join("seatrial"));
        files.iter().for_each(|(file, text)| folder.write(file, text));
        git(&folder.root(), &["init", "--quiet", "--initial-branch", "trunk"]);
        fixture::name_the_committer(&folder.root());
        folder
    }

    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn run_in(&self, inside: &str, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-seatrial"));
        command.args(arguments).current_dir(self.root().join(inside)).env("CARGO_NET_OFFLINE", "true");
        Ended::of(command.output().unwrap())
    }

    /// `init` with the tool's crates of this folder; exit code 0.
    #[track_caller]
    fn init(&self, arguments: &[&str]) -> Value {
        let ended = self.run_in("", &[&["init", "--output", "json"], &DEPENDENCY[..], arguments].concat());
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// Refused with these words, and nothing is different.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], words: &str) {
        let before = self.files();
        let ended = self.run_in("", &[&["init"], &DEPENDENCY[..], arguments].concat());
        assert_eq!(ended.code, Some(3), "{}\n{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(words), "no `{words}` in {}", ended.stderr);
        assert_eq!(self.files(), before);
    }

    /// Every file with its content, but the tool's own and git's.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (root, mut found, mut folders) = (self.root(), BTreeMap::new(), vec![self.root()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                match path.strip_prefix(&root).unwrap() {
                    ours if [".git", "seatrial", "target"].iter().any(|name| ours == Path::new(name)) => {}
                    _ if path.is_dir() => folders.push(path),
                    file => drop(found.insert(file.to_owned(), std::fs::read(&path).unwrap())),
                }
            }
        }
        found
    }

    /// Begun again there is nothing to do, whatever is missing is made again, and the tool finds nothing wrong.
    #[track_caller]
    fn is_a_project(&self, arguments: &[&str]) {
        let made = self.files();
        assert_eq!(self.init(arguments)["changed"], false);
        assert_eq!(self.files(), made);
        for file in [".aws/appspec.yaml", ".github/workflows/check.yml"] {
            std::fs::remove_file(self.root().join(file)).unwrap();
        }
        assert_eq!(self.init(arguments)["changed"], true);
        assert_eq!(self.files(), made);
        for arguments in [&["generate", "--check"][..], &["graph"], &["update", "--check"]] {
            let ended = self.run_in("", arguments);
            assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        }
    }

    /// What cargo says in the folder, without a network.
    fn cargo(&self, arguments: &[&str]) -> String {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let output = cargo.args(arguments).arg("--offline").current_dir(self.root()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The tool that is installed, and no Rust in the repository.
#[test]
fn a_project_without_an_xtask_uses_the_installed_tool_of_a_commit_that_it_names() {
    const COMMIT: &str = "git:https://example.com/seatrial#0123456789abcdef";
    let folder = Folder::empty();
    folder.write("Dockerfile", "FROM scratch\nEXPOSE 9000\n");
    git(&folder.root(), &["init", "--quiet"]);
    let init = |more: &[&str]| folder.run_in("", &[&["init", "--installed"], more].concat());

    // A program that was not installed from a repository knows no commit.
    let refused = init(&[]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("it is not known which commit the installed Seatrial is of"),
        "{}",
        refused.stderr
    );
    assert_eq!(folder.files().len(), 1);

    let made = init(&["--dependency", COMMIT]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(made.stdout.contains("cargo seatrial rehearse --install-missing"), "{}", made.stdout);
    let files = folder.files();
    let has = |name: &str| files.contains_key(Path::new(name));
    assert!(has("infra/project.yml") && has("infra/.seatrial/installed.toml"), "{:?}", files.keys());
    assert!(
        !has("xtask/Cargo.toml") && !has(".cargo/config.toml") && !has("Cargo.lock"),
        "{:?}",
        files.keys()
    );
    let buildspec = folder.read(".aws/buildspec.yml");
    assert!(buildspec.contains("--git 'https://example.com/seatrial' --rev 0123456789abcdef"), "{buildspec}");
    assert!(folder.read("infra/project.yml").contains("read_only: false"));

    for arguments in
        [&["init"][..], &["init", "--installed"], &["generate", "--check"], &["update", "--check"]]
    {
        let ended = folder.run_in("", arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
    }
    assert_eq!(folder.files(), files);

    // A new folder gets the small application, locked, and is checked as it is.
    let made = folder.run_in("", &["init", "--installed", "--dependency", COMMIT, "new"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let manifest = folder.read("new/Cargo.toml");
    assert!(manifest.contains("members = [\"app\"]"), "{manifest}");
    assert!(folder.read("new/Cargo.lock").contains("name = \"app\""));
    folder.cargo(&["metadata", "--locked", "--format-version", "1", "--manifest-path", "new/Cargo.toml"]);
}

fn package(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{dependencies}"
    )
}

/// A workspace whose program that serves the web is called `portal`; a folder stands for the crate that it serves by.
fn workspace() -> Folder {
    let root = "# Ours.\n[workspace]\nmembers = [\"crates/*\"] # all\nresolver = \"2\"\n";
    let folder = Folder::of(&[
        ("Cargo.toml", root),
        ("crates/axum/Cargo.toml", &package("axum", "")),
        ("crates/axum/src/lib.rs", ""),
        ("crates/portal/Cargo.toml", &package("portal", "axum = { path = \"../axum\" }\n")),
        ("crates/portal/src/main.rs", MAIN),
        ("crates/report/Cargo.toml", &package("report", "")),
        ("crates/report/src/main.rs", MAIN),
        (".gitignore", "*.log"),
    ]);
    folder.cargo(&["generate-lockfile"]);
    folder
}

/// The tool's crates as a repository, and a cargo home that keeps what is fetched of it.
struct Source {
    folder: Folder,
    dependency: String,
}

impl Source {
    fn make() -> Self {
        let folder = Folder::of(&[]);
        let tool = folder.root().join("seatrial");
        git(&tool, &["init", "--quiet"]);
        fixture::name_the_committer(&tool);
        std::fs::copy(fixture::repository().join("Cargo.lock"), tool.join("Cargo.lock")).unwrap();
        git(&tool, &["add", "--all", "."]);
        git(&tool, &["commit", "--quiet", "--message", "The tool"]);
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"));
        std::fs::create_dir(folder.root().join("cargo-home")).unwrap();
        std::os::unix::fs::symlink(home.join("registry"), folder.root().join("cargo-home/registry")).unwrap();
        let dependency = format!("git:file://{}", tool.display());
        Self { folder, dependency }
    }

    /// `init` in `target`, where no registry answers.
    fn init(&self, target: &Path, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-seatrial"));
        command.args(["init", "--dependency", &self.dependency]).args(arguments).arg(target);
        command.env("CARGO_HOME", self.folder.root().join("cargo-home"));
        command.env("CARGO_HTTP_PROXY", "http://127.0.0.1:9").env("CARGO_NET_RETRY", "0");
        Ended::of(command.current_dir(self.folder.root()).output().unwrap())
    }
}

#[test]
fn a_new_folder_gets_an_application_and_whoever_was_interrupted_goes_on() {
    let (source, place) = (Source::make(), Folder::empty());
    let project = Folder { dir: tempfile::TempDir::new_in(place.root()).unwrap() };
    let target = project.root();
    let dry = source.init(&target, &["--dry-run"]);
    for file in
        ["Cargo.toml", "app/src/main.rs", "xtask/Cargo.toml", "infra/project.yml", "infra/stacks/service.yml"]
    {
        assert!(dry.stdout.contains(&format!("would make {file}\n")), "{file}: {}", dry.stdout);
    }
    assert!(project.files().is_empty());

    let made = source.init(&target, &[]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let whole = project.files();
    // Of the versions that the tool was tested with.
    let own = std::fs::read_to_string(fixture::repository().join("Cargo.lock")).unwrap();
    let versions = |lock: &str| -> std::collections::BTreeSet<String> {
        let packages = lock.split("[[package]]\n").skip(1).filter(|package| package.contains("registry+"));
        packages.map(|package| package.lines().take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    assert!(versions(&project.read("Cargo.lock")).is_subset(&versions(&own)));
    assert!(source.init(&target, &[]).stdout.starts_with("nothing to do"));
    // Its own first check passes.
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--check", "--edition", "2024", "app/src/main.rs", "xtask/src/main.rs"]);
    assert!(rustfmt.current_dir(&target).status().unwrap().success());

    // Killed at any point: what was written is the beginning of this.
    let mut order: Vec<&str> =
        made.stdout.lines().filter_map(|line| line.strip_prefix("made ")).map(str::trim).collect();
    order.retain(|file| *file != "Cargo.lock");
    for written in (0..order.len()).step_by(3) {
        let _ = std::fs::remove_file(target.join("Cargo.lock"));
        for file in &order[written..] {
            let _ = std::fs::remove_file(target.join(file));
            let _ =
                std::fs::remove_file(target.join(file.replace("infra/stacks/", "infra/.seatrial/stacks/")));
        }
        let again = source.init(&target, &[]);
        assert_eq!(again.code, Some(0), "{written}: {}", again.stderr);
        assert_eq!(project.files().keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>(), "{written}");
        assert_eq!(project.files(), whole, "{written}");
    }
}

#[test]
fn a_workspace_is_left_as_it_is_but_for_the_line_that_leaves_the_tool_out() {
    let folder = workspace();
    let (lock, tree) = (folder.read("Cargo.lock"), folder.cargo(&["tree", "--workspace"]));

    let made = folder.init(&["--check", "true"]);

    assert_eq!((folder.read("Cargo.lock"), folder.cargo(&["tree", "--workspace"])), (lock, tree));
    let root = folder.read("Cargo.toml");
    assert_eq!(
        root,
        "# Ours.\n[workspace]\nmembers = [\"crates/*\"] # all\nresolver = \"2\"\nexclude = [\"xtask\"]\n"
    );
    assert_eq!(folder.read(".gitignore"), "*.log\n/target/\n");
    let project = folder.read("infra/project.yml");
    for line in
        ["  package: portal ", "  branch: trunk ", "  local: {database: none} ", "  - \"cargo test --locked"]
    {
        assert!(project.contains(line), "no `{line}` in {project}");
    }
    assert!(
        project.contains("check:\n  - \"true\"\n") || project.contains("check:\n  - \"true\"\n  - "),
        "{project}"
    );
    assert!(made["next"][1].as_str().unwrap().starts_with("cargo xtask rehearse"), "{made}");
    folder.is_a_project(&["--check", "true"]);
    // The tool itself is typed as cargo types it, from a lock file of its own.
    folder.cargo(&[
        "metadata",
        "--locked",
        "--no-deps",
        "--format-version",
        "1",
        "--manifest-path",
        "xtask/Cargo.toml",
    ]);
}

#[test]
fn a_single_package_is_a_project_and_so_is_one_in_a_folder_of_its_repository() {
    let folder = Folder::of(&[]);
    for (file, text) in [("Cargo.toml", package("shop", "")), ("src/main.rs", MAIN.to_owned())] {
        folder.write(&format!("services/shop/{file}"), &text);
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["generate-lockfile", "--offline"]).current_dir(folder.root().join("services/shop"));
    assert!(cargo.status().unwrap().success());
    git(&folder.root(), &["remote", "add", "origin", "git@github.com:me/all.git"]);

    let arguments =
        ["init", "--dependency", "path:../../seatrial", "--port", "8080", "--health-check-path", "/up"];
    let ended = folder.run_in("services/shop", &arguments);

    // A path that leads up is inside of the repository all the same.
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let project = folder.read("services/shop/infra/project.yml");
    for line in
        ["project: shop ", "repository: me/all ", "package: shop ", "port: 8080 ", "health_check_path: /up "]
    {
        assert!(project.contains(line), "no `{line}` in {project}");
    }
    let workflow = folder.read(".github/workflows/check-services-shop.yml");
    assert!(workflow.contains("working-directory: services/shop\n"), "{workflow}");
    let again = folder.run_in("services/shop", &arguments);
    assert!(again.stdout.starts_with("nothing to do"), "{}", again.stdout);
    let checked = folder.run_in("services/shop", &["generate", "--check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
}

#[test]
fn another_language_is_taken_by_its_dockerfile() {
    let files = [("Dockerfile", "FROM scratch\nCOPY serve.py /\nEXPOSE 8000\n"), ("serve.py", "pass\n")];
    let folder = Folder::of(&files);

    folder.init(&["--name", "notes", "--database", "none"]);

    let project = folder.read("infra/project.yml");
    for line in
        ["project: notes ", "builder: docker ", "dockerfile: Dockerfile ", "context: . ", "port: 8000 "]
    {
        assert!(project.contains(line), "no `{line}` in {project}");
    }
    assert!(!folder.root().join("Cargo.toml").exists() && !folder.root().join("Cargo.lock").exists());
    folder.is_a_project(&["--name", "notes"]);
    // What is there already is not said otherwise by an option.
    folder.refuses(&["--name", "other"], "`project` is `notes`");
    folder.refuses(&["--port", "80"], "`app.port` is `8000`");
}

#[test]
fn an_xtask_of_somebodys_own_is_left_and_the_tool_goes_beside_it() {
    let own = "[build]\ntarget = \"wasm32-unknown-unknown\" # for the page\n\n[alias]\nxtask = \"run -p xtask --\"\n";
    let folder = workspace();
    folder.write(".cargo/config.toml", own);
    folder.write("xtask/Cargo.toml", &format!("{}\n[workspace]\n", package("xtask", "")));
    folder.write("xtask/src/main.rs", MAIN);
    let before = folder.files();

    let told = folder.run_in("", &["init", "--dry-run", "--dependency", "path:seatrial"]);
    assert!(told.stdout.contains("seatrial = { path = \"../seatrial/crates/seatrial\" }"), "{}", told.stdout);
    assert!(told.stdout.contains("seatrial::Tool::new().run("), "{}", told.stdout);
    assert_eq!(folder.files(), before);
    folder.refuses(&["--alias", "crates"], "`crates` is taken");

    folder.init(&["--alias", "ship"]);

    let config = folder.read(".cargo/config.toml");
    let alias =
        "ship = \"run --manifest-path ship/Cargo.toml --target host-tuple --target-dir target/ship --\"\n";
    assert_eq!(config, format!("{own}{alias}"));
    assert_eq!(folder.read("xtask/src/main.rs"), MAIN);
    assert!(folder.read("ship/src/main.rs").contains("called(\"cargo ship\")"));
    let buildspec = folder.read(".aws/buildspec.yml");
    assert!(
        buildspec.contains("cargo build --locked --manifest-path ship/Cargo.toml --target host-tuple"),
        "{buildspec}"
    );
    folder.is_a_project(&[]);
}

#[test]
fn what_cannot_become_a_project_is_refused_by_name_and_left_as_it_is() {
    let nothing = Folder::of(&[("notes.txt", "")]);
    nothing.refuses(&[], "neither a `Cargo.toml` nor a `Dockerfile`");
    nothing.refuses(&["--dockerfile", "docker/Dockerfile"], "`docker/Dockerfile` is not in");
    nothing.refuses(&["notes.txt"], "is no folder");

    let old = workspace();
    old.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.80.1\"\n");
    old.refuses(&[], "names Rust 1.80.1: Seatrial is compiled by ");

    let several = workspace();
    several.write("crates/portal/Cargo.toml", &package("portal", ""));
    several.refuses(&[], "which package is the application: `portal`, `report`?");
    several.refuses(&["--package", "axum"], "`axum` is no package with a program");
    std::fs::remove_file(several.root().join("Cargo.lock")).unwrap();
    several.refuses(&["--package", "portal"], "`Cargo.lock` is missing");

    let broken = Folder::of(&[("Dockerfile", "FROM scratch\n")]);
    broken.write(".cargo/config.toml", "[alias\n");
    broken.refuses(&[], "`.cargo/config.toml` is no TOML");
    broken.write(".cargo/config.toml", "");
    broken.write("infra/project.yml", "project: [\n");
    broken.refuses(&[], "infra/project.yml:");
    std::fs::remove_file(broken.root().join("infra/project.yml")).unwrap();
    broken.refuses(&["--name", "No_Name"], "infra/project.yml:");
    let ended = broken.run_in("", &["init", "--dependency", "path:infra"]);
    ended.refused("`infra` of `");
    broken.run_in("", &["init"]).refused("where Seatrial comes from is not known to this program");
}

#[test]
fn an_update_brings_what_is_new_and_keeps_what_was_edited() {
    let folder = workspace();
    folder.init(&[]);
    // As an older program brought them: without a line that is brought now, with one that is not any more.
    let older = |text: &str| {
        let (first, rest) = text.split_once('\n').unwrap();
        format!(
            "{first}\n# A line of an older version.\n{}",
            rest.replacen("Resources:\n", "Resources: # older\n", 1)
        )
    };
    let stack = |name: &str| format!("infra/stacks/{name}.yml");
    let original = |name: &str| format!("infra/.seatrial/stacks/{name}.yml");
    let new: BTreeMap<&str, String> =
        ["cluster", "network", "registry", "build"].map(|name| (name, folder.read(&stack(name)))).into();
    for (name, text) in &new {
        folder.write(&original(name), &older(text));
        folder.write(&stack(name), &older(text));
    }
    let edit = "\n# An edit of ours.\n";
    folder.write(&stack("network"), &format!("{}{edit}", older(&new["network"])));
    folder.write(
        &stack("registry"),
        &older(&new["registry"]).replace("Resources: # older", "Resources: # ours"),
    );
    std::fs::remove_file(folder.root().join(stack("build"))).unwrap();
    let before = folder.files();

    let checked = folder.run_in("", &["update", "--check"]);
    assert_eq!(checked.code, Some(3), "{}", checked.stderr);
    folder.run_in("", &["update", "--dry-run"]);
    assert_eq!(folder.files(), before);

    let updated = folder.run_in("", &["update"]);

    assert_eq!(updated.code, Some(4), "{}{}", updated.stdout, updated.stderr);
    assert_eq!(folder.read(&stack("cluster")), new["cluster"]);
    assert_eq!(folder.read(&stack("network")), format!("{}{edit}", new["network"]));
    let conflict = folder.read(&stack("registry"));
    assert!(conflict.contains("Resources: # ours\n") && conflict.contains("<<<<<<< "), "{conflict}");
    assert!(!folder.root().join(stack("build")).exists());
    assert!(updated.stderr.contains("infra/stacks/registry.yml"), "{}", updated.stderr);
    for (name, text) in &new {
        assert_eq!(folder.read(&original(name)), *text);
    }
    // Nobody's text is merged with.
    let again = folder.run_in("", &["update"]);
    again.refused("infra/stacks/registry.yml:");
    folder.write(&stack("registry"), &new["registry"].replace("Resources:", "Resources: # ours"));
    let again = folder.run_in("", &["update"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "nothing to merge\n"));
}
