//! git, asked in one way: about the repository that a folder belongs to, whoever calls and from where.
//!
//! A hook, or git itself, sets variables that make git look at another repository than the one it is pointed at;
//! here they never count. No repository, no git, and a git that refuses are three answers. The tool, the image's
//! builder and the local cloud all ask through here.

mod error;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub use error::GitError;

/// Variables that say where git's own files are and how it talks, not which repository is meant.
const KEPT: [&str; 6] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_SSL_",
    "GIT_TRACE",
];

/// In git's words about a checkout of another user's.
const FOREIGN: &str = "dubious ownership";
/// In git's words about a branch that was never committed to.
const UNBORN: &str = "does not have any commits yet";

/// A checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    top: PathBuf,
    inside: PathBuf,
}

impl Git {
    /// The checkout that `directory` belongs to; `None` if there is none.
    ///
    /// # Errors
    /// Refused where git says so (another owner's checkout), or where there is a checkout but no git.
    pub fn find(directory: &Path) -> Result<Option<Self>, GitError> {
        let output = match ask(directory, &["rev-parse", "--show-toplevel", "--show-prefix"]) {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match is_checkout(directory) {
                    true => {
                        let message =
                            format!("`{}` is a git checkout, but git is not installed", directory.display());
                        Err(GitError::refused(message, "install git".to_owned()))
                    }
                    false => Ok(None),
                };
            }
            Err(error) => return Err(GitError::failed("run git", error)),
        };
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            // A worktree whose repository was moved away is called the same.
            let none = said.contains("not a git repository") && !is_checkout(directory);
            return match none {
                true => Ok(None),
                false => Err(refusal(directory, said.trim())),
            };
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        let (top, inside) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        Ok(Some(Self { top: PathBuf::from(top), inside: PathBuf::from(inside) }))
    }

    /// The checkout's top folder.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Where the folder that was asked about lies below [`Self::top`]; empty if it is the same.
    pub fn inside(&self) -> &Path {
        &self.inside
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// Refused where there is none yet, and in git's words where there is one that cannot be read.
    pub fn head(&self) -> Result<String, GitError> {
        let ask = |arguments: &[&str]| {
            ask(&self.top, arguments).map_err(|error| GitError::failed("run git", error))
        };
        let output = ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        // Its words tell a branch without a commit from a commit, or a branch, that cannot be read.
        let output = ask(&["log", "--max-count=1"])?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !said.contains(UNBORN) {
            return Err(refusal(&self.top, said.trim()));
        }
        let message = format!("the repository `{}` has no commit yet", self.top.display());
        Err(GitError::refused(message, "commit, then run this again".to_owned()))
    }

    /// Whether files differ from the commit, or are not in it although git does not ignore them.
    pub fn is_dirty(&self) -> Result<bool, GitError> {
        Ok(!self.read(&["status", "--porcelain"])?.is_empty())
    }

    /// The whole tree of a commit as a zip archive, as CodePipeline's source action makes it.
    pub fn archive(&self, commit: &str) -> Result<Vec<u8>, GitError> {
        bytes(&self.top, &["archive", "--format=zip", commit])
    }

    /// What a git command prints, run at the top, without the line end.
    pub fn read(&self, arguments: &[&str]) -> Result<String, GitError> {
        Ok(String::from_utf8_lossy(&bytes(&self.top, arguments)?).trim_end().to_owned())
    }
}

/// What a git command in `directory` prints.
///
/// # Errors
/// git's own words; a checkout of another user's is refused with what to type.
pub fn bytes(directory: &Path, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
    let action = || format!("run `git {}` in `{}`", arguments.join(" "), directory.display());
    let output = ask(directory, arguments).map_err(|error| GitError::failed(action(), error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match said.contains(FOREIGN) {
        true => Err(refusal(directory, &said)),
        false => Err(GitError::failed(action(), said)),
    }
}

/// git in `directory`, which never looks at another repository and never writes what was not asked for.
pub fn command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(directory).stdin(Stdio::null()).env("LC_ALL", "C");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(misleads) {
            command.env_remove(name);
        }
    }
    command.env("GIT_OPTIONAL_LOCKS", "0");
    command
}

fn misleads(name: &str) -> bool {
    name.starts_with("GIT_") && !KEPT.iter().any(|kept| name.starts_with(kept))
}

fn ask(directory: &Path, arguments: &[&str]) -> io::Result<Output> {
    command(directory).args(arguments).output()
}

/// Whether somebody made this, or a folder above it, a checkout: whether or not git can read it.
fn is_checkout(directory: &Path) -> bool {
    directory.ancestors().any(|parent| parent.join(".git").exists())
}

fn refusal(directory: &Path, said: &str) -> GitError {
    let first = said.lines().next().unwrap_or("no reason given");
    let hint = said.contains(FOREIGN).then(|| {
        let place = directory.display();
        format!(
            "the checkout belongs to another user; if you trust it: `git config --global --add safe.directory {place}`"
        )
    });
    GitError::refused(format!("git refuses `{}`: {first}", directory.display()), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(directory: &Path, arguments: &[&str]) {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
        let output = command(directory).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn a_folder_inside_a_checkout_knows_its_place() {
        let root = tempfile::tempdir().unwrap();
        let inside = root.path().join("services/web");
        std::fs::create_dir_all(&inside).unwrap();
        assert_eq!(Git::find(&inside).unwrap(), None);

        git(root.path(), &["init", "--quiet"]);

        let found = Git::find(&inside).unwrap().unwrap();
        assert_eq!(found.top(), root.path().canonicalize().unwrap());
        assert_eq!(found.inside(), Path::new("services/web/"));
        assert!(found.head().unwrap_err().to_string().contains("no commit yet"));
    }

    #[test]
    fn a_commit_is_archived_whole_and_changes_make_the_tree_dirty() {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "--quiet"]);
        std::fs::write(root.path().join("a"), "1").unwrap();
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "--quiet", "--message", "first"]);
        let found = Git::find(root.path()).unwrap().unwrap();

        assert!(!found.is_dirty().unwrap());
        assert!(found.archive(&found.head().unwrap()).unwrap().starts_with(b"PK"));
        std::fs::write(root.path().join("b"), "2").unwrap();
        assert!(found.is_dirty().unwrap());
    }

    #[test]
    fn a_commit_that_is_lost_or_a_branch_that_is_broken_is_not_taken_for_no_commit_yet() {
        let lose = |git: &Path| std::fs::remove_dir_all(git.join("objects")).unwrap();
        let garble = |git: &Path| std::fs::write(git.join("refs/heads/main"), "nonsense\n").unwrap();
        for (word, damage) in [("bad object", &lose as &dyn Fn(&Path)), ("broken", &garble)] {
            let root = tempfile::tempdir().unwrap();
            git(root.path(), &["init", "--quiet", "--initial-branch", "main"]);
            git(root.path(), &["commit", "--quiet", "--allow-empty", "--message", "first"]);
            let found = Git::find(root.path()).unwrap().unwrap();
            damage(&root.path().join(".git"));
            // Without it git takes it for no repository.
            std::fs::create_dir_all(root.path().join(".git/objects")).unwrap();

            let error = found.head().unwrap_err();

            assert!(error.is_refusal() && error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn variables_that_name_a_repository_never_count_and_those_about_git_itself_do() {
        let misleading =
            ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_CONFIG_COUNT", "GIT_CEILING_DIRECTORIES"];
        assert!(misleading.into_iter().all(misleads));
        assert!(!["GIT_SSL_CAINFO", "GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH", "PATH"].into_iter().any(misleads));
    }

    #[test]
    fn a_repository_of_a_format_that_git_does_not_know_is_not_taken_for_no_checkout() {
        let directory = tempfile::tempdir().unwrap();
        for folder in [".git/objects", ".git/refs"] {
            std::fs::create_dir_all(directory.path().join(folder)).unwrap();
        }
        std::fs::write(directory.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let config = "[core]\n\trepositoryformatversion = 99\n";
        std::fs::write(directory.path().join(".git/config"), config).unwrap();

        let error = Git::find(directory.path()).unwrap_err();
        assert!(error.to_string().contains("git refuses") && error.to_string().contains("99"), "{error}");
    }

    #[test]
    fn a_worktree_whose_repository_is_gone_is_not_taken_for_no_checkout() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Git::find(directory.path()).unwrap(), None);

        std::fs::write(directory.path().join(".git"), "gitdir: /nowhere/.git/worktrees/x\n").unwrap();

        let error = Git::find(directory.path()).unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains("/nowhere"), "{error}");
    }

    #[test]
    fn a_git_that_refuses_is_not_taken_for_no_checkout() {
        let said = "fatal: detected dubious ownership in repository at '/srv/x'\nTo add an exception ...";

        let error = refusal(Path::new("/srv/x"), said);

        assert!(error.is_refusal() && error.to_string().contains("dubious ownership"), "{error}");
        assert!(error.hint().unwrap().contains("safe.directory /srv/x"));
    }
}
