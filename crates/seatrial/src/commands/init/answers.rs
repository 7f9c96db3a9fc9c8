//! What a project is called, where it comes from and what it is asked: said by options, else seen.

use std::path::Path;

use anyhow::Context as _;
use seatrial_git::Git;
use seatrial_project::{Project, is_name};
use tokio::process::Command;

use super::application::Application;
use super::ground::Ground;
use crate::cli::{Database, InitArgs};
use crate::exit::Refused;
use crate::process;
use crate::session::Session;

/// So many characters leave room for an environment's name behind them.
const LONGEST_NAME: usize = 18;
const PORT: u16 = 4000;
const HEALTH_CHECK_PATH: &str = "/healthz";
/// Who stands for the owner of a repository that is nowhere yet.
const NOBODY: &str = "your-account";

/// Everything that project.yml says first.
pub(super) struct Answers {
    pub name: String,
    pub repository: String,
    pub branch: String,
    pub port: u16,
    pub health_check_path: String,
    pub has_database: bool,
    pub checks: Vec<String>,
    pub program: String,
}

impl Answers {
    pub(super) fn find(ground: &Ground, application: &Application, args: &InitArgs, program: &str) -> Self {
        let remote = ground.git.as_ref().and_then(repository_of_remote);
        let folder = ground.root.file_name().unwrap_or_default().to_string_lossy();
        let inside = ground.git.as_ref().is_some_and(|git| !git.inside().as_os_str().is_empty());
        let called = match remote.as_deref().and_then(|remote| remote.split_once('/')) {
            // One of several projects of a repository.
            Some((_, name)) if !inside => name.to_owned(),
            _ => folder.into_owned(),
        };
        let name = args.name.clone().unwrap_or_else(|| name_of(&called));
        let repository = args.repository.clone().or(remote).unwrap_or_else(|| format!("{NOBODY}/{name}"));
        let (port, database) = match application {
            Application::Sample => (None, false),
            Application::Package { has_database, .. } => (None, *has_database),
            Application::Dockerfile { port, .. } => (*port, true),
        };
        let mut checks = args.check.clone();
        if *application == Application::Sample {
            // The tool beside it would be compiled once more, to be checked by nobody.
            let tool = program.trim_start_matches("cargo ");
            let alone = |check: &str| match args.installed {
                true => check.to_owned(),
                false => check.replace("--workspace", &format!("--workspace --exclude {tool}")),
            };
            checks.extend(CARGO_CHECKS.map(alone));
        }
        Self {
            name,
            repository,
            branch: ground.git.as_ref().and_then(branch).unwrap_or_else(|| "main".to_owned()),
            port: args.port.or(port).unwrap_or(PORT),
            health_check_path: args.health_check_path.clone().unwrap_or_else(|| HEALTH_CHECK_PATH.to_owned()),
            has_database: args.database.map_or(database, |database| database == Database::Postgres),
            checks,
            program: program.to_owned(),
        }
    }

    /// Whether nobody knows the repository yet.
    pub(super) fn is_of_nobody(&self) -> bool {
        self.repository.starts_with(&format!("{NOBODY}/"))
    }
}

/// What `check` runs of a Cargo workspace; formatting and lints only where they have no finding when it begins.
const CARGO_CHECKS: [&str; 3] = [
    "cargo fmt --all --check",
    "cargo clippy --locked --workspace --all-targets -- -D warnings",
    "cargo test --locked --workspace",
];

/// Those of them that a workspace passes today, tests untried.
///
/// # Errors
/// Interrupted.
pub(super) async fn checks_of_cargo(session: &Session, ground: &Ground) -> anyhow::Result<Vec<String>> {
    let [format, lints, tests] = CARGO_CHECKS;
    let mut passed = Vec::new();
    for command in [format, lints] {
        session
            .printer
            .event("init", format_args!("trying `{command}`, which is checked from now on if it passes"));
        session.printer.flush();
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&ground.root);
        if process::output(session, shell).await?.status.success() {
            passed.push(command.to_owned());
        }
    }
    passed.push(tests.to_owned());
    Ok(passed)
}

/// What was said must be what the project says already.
///
/// # Errors
/// Refused with the key that says otherwise.
pub(super) fn agree(project: &Project, args: &InitArgs) -> anyhow::Result<()> {
    let environment = project.environment(None).context("the project has no environment")?;
    let image = &environment.image;
    let port = args.port.map(|port| port.to_string());
    let database = args.database.map(|database| (database == Database::Postgres).to_string());
    let pairs = [
        ("--name", "project", &args.name, environment.project.clone()),
        ("--package", "image.package", &args.package, image.package.clone()),
        ("--dockerfile", "image.dockerfile", &args.dockerfile, image.dockerfile.clone()),
        ("--port", "app.port", &port, environment.app.port.to_string()),
        (
            "--health-check-path",
            "app.health_check_path",
            &args.health_check_path,
            environment.app.health_check_path.to_string(),
        ),
        ("--repository", "source.repository", &args.repository, environment.source.repository.to_string()),
        ("--database", "database", &database, environment.database.is_some().to_string()),
    ];
    let differs = pairs.into_iter().find_map(|(option, key, said, is)| {
        let said = said.as_ref().filter(|said| **said != is)?;
        Some(format!("`{option} {said}` is not what infra/project.yml says: `{key}` is `{is}`"))
    });
    let missing = args.check.iter().find(|check| !project.check.contains(check));
    let differs = differs.or_else(|| {
        missing
            .map(|check| format!("`--check '{check}'` is not in infra/project.yml, which is there already"))
    });
    match differs {
        Some(differs) => Err(Refused::new(differs).hint("edit infra/project.yml").into()),
        None => Ok(()),
    }
}

/// `owner/name` of the first remote at GitHub, `origin` before others.
fn repository_of_remote(git: &Git) -> Option<String> {
    let mut remotes: Vec<String> = git.read(&["remote"]).ok()?.lines().map(str::to_owned).collect();
    remotes.sort_by_key(|remote| remote != "origin");
    remotes.iter().find_map(|remote| at_github(&git.read(&["remote", "get-url", remote]).ok()?))
}

/// `owner/name` in the address of a repository at GitHub, in any of the forms that git takes.
fn at_github(url: &str) -> Option<String> {
    let rest = url.split_once("github.com").map(|(_, rest)| rest)?;
    let path = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':' || c == '/');
    let path = path.trim_end_matches('/').strip_suffix(".git").unwrap_or(path.trim_end_matches('/'));
    let (owner, name) = path.split_once('/')?;
    (!owner.is_empty() && !name.is_empty() && !name.contains('/')).then(|| format!("{owner}/{name}"))
}

/// The branch that is checked out, also before its first commit.
fn branch(git: &Git) -> Option<String> {
    git.read(&["symbolic-ref", "--quiet", "--short", "HEAD"]).ok().filter(|name| !name.is_empty())
}

/// A project's name made of a repository's or a folder's.
fn name_of(text: &str) -> String {
    let lower = Path::new(text).display().to_string().to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    let begins = joined.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let short: String = begins.chars().take(LONGEST_NAME).collect();
    let short = short.trim_end_matches('-');
    if is_name(short) { short.to_owned() } else { "app".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_known_by_each_form_of_its_address() {
        let urls = [
            "https://github.com/me/web.git",
            "https://github.com/me/web",
            "https://user:token@github.com/me/web/",
            "git@github.com:me/web.git",
            "ssh://git@github.com:22/me/web.git",
        ];
        for url in urls {
            assert_eq!(at_github(url).as_deref(), Some("me/web"), "{url}");
        }
        for url in ["https://gitlab.com/me/web.git", "/srv/git/web.git", "https://github.com/me", ""] {
            assert_eq!(at_github(url), None, "{url}");
        }
    }

    #[test]
    fn every_folder_gives_a_name_that_fits() {
        let names = [
            ("web", "web"),
            ("My_Web App", "my-web-app"),
            ("2048-game", "game"),
            ("a-very-long-name-of-a-repository", "a-very-long-name-o"),
            ("--", "app"),
            ("größe", "gr-e"),
        ];
        for (folder, name) in names {
            assert_eq!(name_of(folder), name, "{folder}");
        }
    }
}
