//! What can be typed to begin with the tool, and to follow its newer versions.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::value::word;

/// Where a project's `xtask` takes the tool from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dependency {
    /// A git repository, as cargo takes its URL, and the commit, tag or branch behind a `#`.
    Git { url: String, revision: Option<String> },
    /// A folder inside the project's repository that holds the tool's.
    Path(PathBuf),
}

impl FromStr for Dependency {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "must be `git:URL`, `git:URL#COMMIT` or `path:FOLDER`";
        let (kind, rest) = typed.split_once(':').ok_or(RULE)?;
        // It goes into a manifest and a command line.
        let is_plain = !rest.is_empty() && !rest.starts_with('-') && !rest.contains(['"', '\\', '\n']);
        match kind {
            _ if !is_plain => Err(RULE),
            "git" => {
                let (url, revision) = rest.split_once('#').map_or((rest, None), |(url, it)| (url, Some(it)));
                Ok(Self::Git { url: url.to_owned(), revision: revision.map(str::to_owned) })
            }
            "path" => Ok(Self::Path(PathBuf::from(rest))),
            _ => Err(RULE),
        }
    }
}

/// Whether the application has a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    Postgres,
    None,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct InitArgs {
    /// The project's folder: a new one, or one that has the application already
    #[arg(default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// The project's name, the first half of every name on AWS [default: the repository's or the folder's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The package of the Cargo workspace that is the application [default: the one that serves the web]
    #[arg(long, value_name = "PACKAGE", conflicts_with = "dockerfile", value_parser = word)]
    pub package: Option<String>,
    /// The Dockerfile that makes the application's image, from the project's folder [default: Dockerfile, without Cargo.toml]
    #[arg(long, value_name = "FILE")]
    pub dockerfile: Option<String>,
    /// The port that the application listens on [default: what the Dockerfile exposes, else 4000]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The path that answers 200 while the application can serve [default: /healthz]
    #[arg(long, value_name = "PATH")]
    pub health_check_path: Option<String>,
    /// The repository at GitHub, as owner/name [default: where the checkout's remote leads]
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<String>,
    /// Whether the application has a database [default: postgres, unless a crate uses none]
    #[arg(long, value_enum, value_name = "DATABASE")]
    pub database: Option<Database>,
    /// A command that `check` is to run, too; may be given more than once
    #[arg(long, value_name = "COMMAND")]
    pub check: Vec<String>,
    /// Where the project's xtask takes Seatrial from: git:URL, git:URL#COMMIT, or path:FOLDER inside the repository
    #[arg(long, value_name = "SOURCE")]
    pub dependency: Option<Dependency>,
    /// What to call the tool instead of `xtask`, where the project has one of its own: its folder, and `cargo NAME`
    #[arg(long, value_name = "NAME", value_parser = word)]
    pub alias: Option<String>,
    /// Make no xtask: the project uses the installed `cargo seatrial`, and its builds install the same commit
    #[arg(long, conflicts_with = "alias")]
    pub installed: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct UpdateArgs {
    /// Write nothing; exit with 3 where there is something to merge
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_repository_with_or_without_a_commit_or_a_folder() {
        let git = |url: &str, revision: Option<&str>| Dependency::Git {
            url: url.to_owned(),
            revision: revision.map(str::to_owned),
        };
        assert_eq!("git:https://h/o/n".parse(), Ok(git("https://h/o/n", None)));
        assert_eq!("git:ssh://git@h/o/n#abc".parse(), Ok(git("ssh://git@h/o/n", Some("abc"))));
        assert_eq!("path:tools/seatrial".parse(), Ok(Dependency::Path("tools/seatrial".into())));
        for wrong in ["", "git", "git:", "path:", "git:-u", "svn:x", "git:a\"b", "git:a\nb"] {
            assert!(wrong.parse::<Dependency>().is_err(), "{wrong}");
        }
    }
}
