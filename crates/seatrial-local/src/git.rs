//! git, asked in one way: about the repository that a folder belongs to, whoever started the local cloud and from
//! where.
//!
//! A hook, or git itself, sets variables that make git look at another repository than the one it is pointed at; here
//! they never count. No repository, no git, and a git that refuses are three answers.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Variables that say where git's own files are and how it talks, not which repository is meant.
const KEPT: [&str; 6] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_SSL_",
    "GIT_TRACE",
];

/// A checkout, by its top folder: a commit is taken whole, wherever in it the project lies.
pub(crate) struct Checkout {
    top: PathBuf,
}

impl Checkout {
    /// The checkout that `folder` belongs to; `None` if there is none.
    ///
    /// # Errors
    /// git's own words where it refuses; a checkout without a git to read it.
    pub(crate) fn find(folder: &Path) -> Result<Option<Self>, String> {
        let output = match ask(folder, &["rev-parse", "--show-toplevel"]) {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match is_checkout(folder) {
                    true => {
                        Err(format!("`{}` is a git checkout, but git is not installed", folder.display()))
                    }
                    false => Ok(None),
                };
            }
            Err(error) => return Err(format!("failed to run git: {error}")),
        };
        if output.status.success() {
            let top = String::from_utf8_lossy(&output.stdout);
            return Ok(Some(Self { top: PathBuf::from(top.trim_end_matches('\n')) }));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        // A worktree whose repository was moved away is called the same.
        match said.contains("not a git repository") && !is_checkout(folder) {
            true => Ok(None),
            false => Err(format!("git refuses `{}`: {}", folder.display(), said.trim())),
        }
    }

    /// What a git command prints, run at the top.
    ///
    /// # Errors
    /// git's own words.
    pub(crate) fn read(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let output = ask(&self.top, arguments).map_err(|error| format!("failed to run git: {error}"))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// Whether somebody made this, or a folder above it, a checkout: whether or not git can read it.
fn is_checkout(folder: &Path) -> bool {
    folder.ancestors().any(|parent| parent.join(".git").exists())
}

fn ask(folder: &Path, arguments: &[&str]) -> io::Result<Output> {
    let mut command = Command::new("git");
    // Messages are matched above, so they must be in one language.
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).env("LC_ALL", "C");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(misleads) {
            command.env_remove(name);
        }
    }
    command.env("GIT_OPTIONAL_LOCKS", "0").output()
}

fn misleads(name: &str) -> bool {
    name.starts_with("GIT_") && !KEPT.iter().any(|kept| name.starts_with(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_name_a_repository_never_count_and_those_about_git_itself_do() {
        let misleading =
            ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_CONFIG_COUNT", "GIT_CEILING_DIRECTORIES"];
        assert!(misleading.into_iter().all(misleads));
        assert!(!["GIT_SSL_CAINFO", "GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH", "PATH"].into_iter().any(misleads));
    }

    #[test]
    fn a_git_that_refuses_is_not_taken_for_no_checkout() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Checkout::find(dir.path()).unwrap().is_none());

        // A repository of a format that git does not know, and therefore will not read.
        for folder in [".git/objects", ".git/refs"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        std::fs::write(dir.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let config = "[core]\n\trepositoryformatversion = 99\n";
        std::fs::write(dir.path().join(".git/config"), config).unwrap();

        let said = Checkout::find(dir.path()).err().unwrap();
        assert!(said.contains("git refuses") && said.contains("99"), "{said}");
    }

    #[test]
    fn a_worktree_whose_repository_is_gone_is_not_taken_for_no_checkout() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".git"), "gitdir: /nowhere/.git/worktrees/x\n").unwrap();

        let said = Checkout::find(dir.path()).err().unwrap();
        assert!(said.contains("git refuses") && said.contains("/nowhere"), "{said}");
    }
}
