//! `cargo xtask soak adoptions`: three applications of other people's, each from a folder to a passed rehearsal, and a day
//! with it. No file that `init` made is touched by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use seatrial::Running;
use serde_json::Value;

use super::traffic::{ask, last_lines, object};

/// One application, and what is done to it.
pub(super) struct Case {
    pub(super) name: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// Makes what is no text of ours.
    prepare: &'static [&'static str],
    init: &'static [&'static str],
    /// It has no `xtask`: the tool is installed.
    is_installed: bool,
    /// A file, a part of its text, and what takes its place: on the page, at the start of the program, and in what the
    /// application's own tests look at.
    line: Edit,
    broken: Edit,
    failing: Edit,
    /// The program's own words when it is broken.
    last_words: &'static str,
    /// What is on the page besides.
    shows: &'static str,
}

type Edit = (&'static str, &'static str, &'static str);

macro_rules! file {
    ($folder:literal, $path:literal) => {
        ($path, include_str!(concat!($folder, "/", $path)))
    };
    ($folder:literal, $path:literal as $source:literal) => {
        ($path, include_str!(concat!($folder, "/", $source)))
    };
}

pub(super) const CASES: [Case; 3] = [
    Case {
        name: "workspace",
        files: &[
            file!("workspace", "Cargo.toml" as "Cargo.toml.txt"),
            file!("workspace", "crates/portal/Cargo.toml" as "crates/portal/Cargo.toml.txt"),
            file!("workspace", "crates/portal/src/main.rs"),
            file!("workspace", "crates/greeting/Cargo.toml" as "crates/greeting/Cargo.toml.txt"),
            file!("workspace", "crates/greeting/src/lib.rs"),
        ],
        prepare: &["cargo", "generate-lockfile"],
        init: &[],
        is_installed: false,
        line: ("crates/greeting/src/lib.rs", "the first page", "the second page"),
        broken: (
            "crates/greeting/src/lib.rs",
            "// All there are.",
            "eprintln!(\"portal: a setting is wrong\"); std::process::abort();",
        ),
        failing: ("crates/greeting/src/lib.rs", "page\\n\";", "leaf\\n\";"),
        last_words: "portal: a setting is wrong",
        shows: "page",
    },
    Case {
        name: "python",
        files: &[
            file!("python", "Dockerfile"),
            file!("python", "base.sh"),
            file!("python", "page.txt"),
            file!("python", "serve.py"),
            file!("python", "test_page.py"),
        ],
        prepare: &["sh", "base.sh"],
        init: &["--name", "notes", "--check", "python3 test_page.py"],
        is_installed: false,
        line: ("page.txt", "first", "second"),
        broken: (
            "serve.py",
            "print(\"notes start\", flush=True)",
            "raise SystemExit(\"notes: a setting is wrong\")",
        ),
        failing: ("page.txt", "page", "leaf"),
        last_words: "notes: a setting is wrong",
        // A database is provisioned, and is not where a laptop has one.
        shows: "localhost:5432 is nobody",
    },
    Case {
        name: "queue",
        files: &[
            file!("queue", "Dockerfile"),
            file!("queue", "prepare.sh"),
            file!("queue", "serve.sh"),
            file!("queue", "page.txt"),
            file!("queue", "infra/project.yml"),
            file!("queue", "infra/stacks/jobs.yml"),
        ],
        prepare: &["sh", "prepare.sh"],
        init: &["--installed"],
        is_installed: true,
        line: ("page.txt", "first", "second"),
        broken: ("serve.sh", "echo \"serving\"", "echo \"jobs: a setting is wrong\" && exit 7"),
        failing: ("page.txt", "page", "leaf"),
        last_words: "jobs: a setting is wrong",
        shows: "jobs go to https://sqs.",
    },
];

/// Plays the cases that are wanted, all where none is named; answers how many findings there were.
pub(super) fn play(running: &Running<'_>, only: &[String]) -> Result<usize, String> {
    let dir = tempfile::Builder::new().prefix("adoptions-").tempdir();
    let dir = dir.map_err(|error| format!("failed to make a folder: {error}"))?;
    let repository =
        std::env::current_dir().map_err(|error| format!("failed to find the repository: {error}"))?;
    let mut findings = 0;
    for case in CASES.iter().filter(|case| only.is_empty() || only.iter().any(|name| name == case.name)) {
        let adoption = Adoption {
            running,
            case,
            folder: dir.path().join(case.name),
            data: dir.path().join(format!("{}-cloud", case.name)),
            installed: dir.path().join("installed"),
            repository: &repository,
        };
        let played = adoption.play();
        // Whatever came of it.
        let _ = adoption.tool(&["local", "reset", "--yes"]);
        for finding in played? {
            running.say(format_args!("{}: FINDING: {finding}", case.name));
            findings += 1;
        }
    }
    Ok(findings)
}

struct Adoption<'a> {
    running: &'a Running<'a>,
    case: &'a Case,
    folder: PathBuf,
    data: PathBuf,
    /// Where the tool is installed for those who have no other.
    installed: PathBuf,
    repository: &'a Path,
}

impl Adoption<'_> {
    fn play(&self) -> Result<Vec<String>, String> {
        let mut findings = Vec::new();
        self.take_in(&mut findings)?;
        self.say("rehearse");
        let rehearsed = self.tool(&["rehearse", "--output", "json"])?;
        if object(&rehearsed)["verdict"] != "pass" {
            findings.push(format!("the rehearsal did not pass: {}", last_lines(&rehearsed)));
            return Ok(findings);
        }
        self.day(&mut findings)?;
        self.checks(&mut findings)?;
        Ok(findings)
    }

    fn say(&self, what: &str) {
        self.running.say(format_args!("{}: {what}", self.case.name));
    }

    /// From the application's files to a commit with what `init` made; the application is as it was.
    fn take_in(&self, findings: &mut Vec<String>) -> Result<(), String> {
        let Case { files, prepare, init, .. } = self.case;
        for (file, text) in *files {
            self.write(file, text)?;
        }
        self.git(&["init", "--quiet", "--initial-branch", "main"])?;
        self.git(&["config", "user.name", "Soak"])?;
        self.git(&["config", "user.email", "soak@example.com"])?;
        self.say("prepare");
        self.succeeds(prepare)?;
        let before = self.state()?;
        let url = format!("file://{}", self.repository.display());
        // One folder of products for the tools of all of them.
        let shared = self.repository.join("target/adoptions");
        let mut command = if self.case.is_installed {
            self.install(&url)?;
            self.project_tool(&["init"])
        } else {
            let program =
                std::env::current_exe().map_err(|error| format!("failed to find this program: {error}"))?;
            let mut command = self.command(&program.to_string_lossy());
            command.args(["init", "--dependency", &format!("git:{url}")]);
            command
        };
        command.args(*init);
        self.say("init");
        let made = self.running.output(command)?;
        if !made.status.success() {
            return Err(format!("`init` failed: {}", last_lines(&made)));
        }
        if self.state()? != before {
            findings.push("`init` changed the application's versions".to_owned());
        }
        let linked = fs::create_dir_all(&shared)
            .and_then(|()| fs::create_dir_all(self.folder.join("target")))
            .and_then(|()| std::os::unix::fs::symlink(shared, self.folder.join("target/xtask")));
        linked.map_err(|error| format!("failed to share the products: {error}"))?;
        self.commit("Take Seatrial in")?;
        self.say("compile the tool");
        let compiled = self.tool(&["graph"])?;
        match compiled.status.success() {
            true => Ok(()),
            false => Err(format!("the tool does not run: {}", last_lines(&compiled))),
        }
    }

    /// As a new user does it.
    fn install(&self, url: &str) -> Result<(), String> {
        self.say("install the tool");
        let mut cargo = self.command("cargo");
        cargo.args(["install", "--debug", "--locked", "--git", url, "--root"]).arg(&self.installed);
        cargo.arg("seatrial");
        let installed = self.running.output(cargo)?;
        match installed.status.success() {
            true => Ok(()),
            false => Err(format!("the tool cannot be installed: {}", last_lines(&installed))),
        }
    }

    /// The lock file and what is compiled by it, where there is one.
    fn state(&self) -> Result<Option<(String, String)>, String> {
        let Ok(lock) = fs::read_to_string(self.folder.join("Cargo.lock")) else { return Ok(None) };
        let mut cargo = self.command("cargo");
        cargo.args(["tree", "--workspace", "--locked"]);
        Ok(Some((lock, String::from_utf8_lossy(&self.running.output(cargo)?.stdout).into_owned())))
    }

    /// A first release, one of a changed line, and one that is broken.
    fn day(&self, findings: &mut Vec<String>) -> Result<(), String> {
        self.say("provision");
        let provisioned = self.tool(&["provision", "--yes", "--output", "json"])?;
        let url = object(&provisioned)["outputs"]["Url"].as_str().unwrap_or_default().to_owned();
        let page = || ask(url.trim_start_matches("http://").trim_end_matches('/')).unwrap_or_default();
        let found = page();
        if !found.contains("the first page") || !found.contains(self.case.shows) {
            findings.push(format!("the first page is `{found}`: {}", last_lines(&provisioned)));
        }
        self.say("release a changed line");
        self.edit(self.case.line)?;
        self.commit("Change the page")?;
        let released = self.tool(&["release", "--output", "json"])?;
        let outcome: Value = object(&released);
        if outcome["status"] != "Succeeded"
            || outcome["requests"]["failed"] != 0
            || !page().contains("the second page")
        {
            findings.push(format!("a changed line is not on the page: {}", last_lines(&released)));
        }
        self.say("release a broken program");
        self.edit(self.case.broken)?;
        self.commit("Break the program")?;
        let broken = self.tool(&["release"])?;
        let told =
            String::from_utf8_lossy(&broken.stdout).into_owned() + &String::from_utf8_lossy(&broken.stderr);
        if broken.status.code() != Some(4) || !told.contains(self.case.last_words) {
            findings.push(format!("a broken program ended with {}: {}", broken.status, last_lines(&broken)));
        }
        if !page().contains("the second page") {
            findings.push("a broken program took the page away".to_owned());
        }
        self.git(&["revert", "--no-edit", "HEAD"])
    }

    /// `check` passes, and fails by each of these.
    fn checks(&self, findings: &mut Vec<String>) -> Result<(), String> {
        self.say("check");
        let passed = self.tool(&["check", "--install-missing"])?;
        if !passed.status.success() {
            findings.push(format!("`check` does not pass: {}", last_lines(&passed)));
        }
        let spoiled: [Edit; 3] = [
            self.case.failing,
            ("infra/stacks/registry.yml", "AWS::ECR::Repository\n", "AWS::ECR::Depository\n"),
            (".aws/appspec.yaml", "version: 0.0", "version: 0.1"),
        ];
        for edit in spoiled {
            self.edit(edit)?;
            let checked = self.tool(&["check"])?;
            if checked.status.code() != Some(3) {
                findings
                    .push(format!("`check` ended with {} although {} is spoiled", checked.status, edit.0));
            }
            self.git(&["checkout", "--quiet", "--", "."])?;
        }
        Ok(())
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        let path = self.folder.join(file);
        let written =
            fs::create_dir_all(path.parent().unwrap_or(&self.folder)).and_then(|()| fs::write(&path, text));
        written.map_err(|error| format!("failed to write {file}: {error}"))
    }

    fn edit(&self, (file, from, to): Edit) -> Result<(), String> {
        let text = fs::read_to_string(self.folder.join(file)).map_err(|error| format!("{file}: {error}"))?;
        match text.contains(from) {
            true => self.write(file, &text.replacen(from, to, 1)),
            false => Err(format!("{file} has no `{from}`")),
        }
    }

    fn commit(&self, message: &str) -> Result<(), String> {
        self.git(&["add", "--all", "."])?;
        self.git(&["commit", "--quiet", "--message", message])
    }

    fn git(&self, arguments: &[&str]) -> Result<(), String> {
        seatrial_git::bytes(&self.folder, arguments).map(drop).map_err(|error| error.to_string())
    }

    /// The project's own tool, as it is typed there.
    fn tool(&self, arguments: &[&str]) -> Result<Output, String> {
        self.running.output(self.project_tool(arguments))
    }

    fn project_tool(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("cargo");
        command.arg(if self.case.is_installed { "seatrial" } else { "xtask" });
        command.args(arguments).env("XTASK_LOCAL_DATA_DIR", &self.data);
        command
    }

    fn succeeds(&self, words: &[&str]) -> Result<(), String> {
        let Some((program, arguments)) = words.split_first() else { return Ok(()) };
        let mut command = self.command(program);
        let ended = self.running.output({
            command.args(arguments);
            command
        })?;
        match ended.status.success() {
            true => Ok(()),
            false => Err(format!("`{}` failed: {}", words.join(" "), last_lines(&ended))),
        }
    }

    /// A program in the folder, which is told nothing of what this one was started by.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "XTASK_", "AWS_"];
            if ours.iter().any(|start| name.starts_with(start))
                || matches!(&*name, "CARGO" | "CARGO_TARGET_DIR")
            {
                command.env_remove(&*name);
            }
        }
        let found = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.installed.join("bin")].into_iter().chain(std::env::split_paths(&found));
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        command.current_dir(&self.folder);
        command
    }
}
