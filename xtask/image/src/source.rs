//! Which revision of the sources is built: the commit, what CodeBuild was given, or a hash of the content.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use xshell::{Shell, cmd};

use crate::error::ImageError;

/// Digits of a revision that make a tag.
const TAG_DIGITS: usize = 12;
/// Directories of the root that hold history or products, never sources.
const NOT_SOURCES: &[&str] = &[".git", "target"];
/// The file that marks a directory as products wherever it is (Cache Directory Tagging Specification; cargo writes it).
const CACHE_MARK: &str = "CACHEDIR.TAG";
/// Set while git runs a hook: they would lead it to another repository.
const MISLEADING: &[&str] = &["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"];

/// A revision of the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    /// Lower-case hexadecimal digits, or `dirty-` and such.
    pub(crate) id: String,
    /// Set when the work tree differs from its commit.
    pub(crate) dirty: bool,
}

impl Revision {
    /// The tag that belongs to this revision alone.
    pub(crate) fn tag(&self) -> String {
        let digits = if self.dirty { "dirty-".len() + TAG_DIGITS } else { TAG_DIGITS };
        self.id.chars().take(digits).collect()
    }

    /// All tags. Uncommitted work never becomes `latest`.
    pub(crate) fn tags(&self) -> Vec<String> {
        if self.dirty { vec![self.tag()] } else { vec![self.tag(), "latest".to_owned()] }
    }
}

/// Finds the revision of `workspace`: of its git checkout; else from `SOURCE_REVISION` or
/// `CODEBUILD_RESOLVED_SOURCE_VERSION`, because CodeBuild's sources come without history; else from the content.
pub(crate) fn discover(workspace: &Path) -> Result<Revision, ImageError> {
    if workspace.join(".git").exists() {
        return from_git(workspace);
    }
    for variable in ["SOURCE_REVISION", "CODEBUILD_RESOLVED_SOURCE_VERSION"] {
        if let Some(id) = std::env::var(variable).ok().filter(|id| !id.is_empty()) {
            return from_variable(variable, id);
        }
    }
    Ok(Revision { id: content_hash(workspace, &files_below(workspace)?)?, dirty: false })
}

fn from_variable(variable: &str, id: String) -> Result<Revision, ImageError> {
    let hexadecimal = id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !hexadecimal || !(TAG_DIGITS..=64).contains(&id.len()) {
        return Err(ImageError::refused(format!(
            "`{variable}` must be a commit ({TAG_DIGITS} to 64 lower-case hexadecimal digits), found `{id}`"
        )));
    }
    Ok(Revision { id, dirty: false })
}

fn from_git(workspace: &Path) -> Result<Revision, ImageError> {
    let shell = Shell::new().map_err(|error| ImageError::failed("open a shell", error))?;
    shell.change_dir(workspace);
    let git = |what: &str, arguments: &[&str]| {
        let command = cmd!(shell, "git").args(arguments).quiet();
        let command = MISLEADING.iter().fold(command, |command, name| command.env_remove(name));
        command.read().map_err(|error| ImageError::failed(what, error))
    };
    let changes = git("read the state of the work tree", &["status", "--porcelain", "--", "."])?;
    if changes.is_empty() {
        let id = git("read the commit", &["rev-parse", "--verify", "HEAD"])?;
        return Ok(Revision { id, dirty: false });
    }
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
    let listed = git("list the sources", &arguments)?;
    // A file that is listed but gone is part of what makes the tree dirty.
    let files: Vec<PathBuf> = listed
        .split('\0')
        .filter(|path| {
            !path.is_empty() && workspace.join(path).symlink_metadata().is_ok_and(|data| !data.is_dir())
        })
        .map(PathBuf::from)
        .collect();
    Ok(Revision { id: format!("dirty-{}", content_hash(workspace, &files)?), dirty: true })
}

fn content_hash(root: &Path, files: &[PathBuf]) -> Result<String, ImageError> {
    let mut hasher = Sha256::new();
    let mut files = files.to_vec();
    files.sort();
    hash_files(&mut hasher, root, &files)?;
    // As long as a commit's id: the label and the tags look alike.
    Ok(hex::encode(hasher.finalize()).chars().take(40).collect())
}

/// Every file below `directory` that may be a source, relative to it and sorted.
pub(crate) fn files_below(directory: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let mut files = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(relative) = pending.pop() {
        let path = directory.join(&relative);
        let failed = |error| ImageError::failed(format!("list `{}`", path.display()), error);
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if relative.as_os_str().is_empty() && NOT_SOURCES.iter().any(|excluded| name == *excluded) {
                continue;
            }
            // A symbolic link counts as a file: it is never followed.
            if entry.file_type().map_err(failed)?.is_dir() {
                if !entry.path().join(CACHE_MARK).is_file() {
                    pending.push(relative.join(name));
                }
            } else {
                files.push(relative.join(name));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Feeds path and content of each file, lengths included, so that no two lists of files look alike.
pub(crate) fn hash_files(hasher: &mut Sha256, root: &Path, files: &[PathBuf]) -> Result<(), ImageError> {
    for file in files {
        let path = root.join(file);
        let content = if path.is_symlink() {
            fs::read_link(&path).map(|target| target.into_os_string().into_encoded_bytes())
        } else {
            fs::read(&path)
        };
        let content =
            content.map_err(|error| ImageError::failed(format!("read `{}`", path.display()), error))?;
        for part in [file.as_os_str().as_encoded_bytes(), &content] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(directory: &Path, arguments: &[&str]) -> String {
        let shell = Shell::new().unwrap();
        shell.change_dir(directory);
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
        cmd!(shell, "git").args(identity).args(arguments).quiet().read().unwrap()
    }

    #[test]
    fn a_clean_checkout_has_its_commit_and_a_dirty_one_its_content() {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "--quiet"]);
        fs::write(root.path().join("a"), "1").unwrap();
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "--quiet", "--message", "first"]);
        let head = git(root.path(), &["rev-parse", "HEAD"]);
        let clean = discover(root.path()).unwrap();
        assert_eq!((clean.id.as_str(), clean.tags()), (&*head, vec![head[..12].to_owned(), "latest".into()]));

        fs::write(root.path().join("b"), "2").unwrap();
        let dirty = discover(root.path()).unwrap();
        assert!(dirty.dirty && dirty.tag().len() == 18, "{dirty:?}");
        assert_eq!(dirty.tags(), [dirty.tag()]);
        fs::write(root.path().join("b"), "3").unwrap();
        assert_ne!(discover(root.path()).unwrap(), dirty);
        fs::remove_file(root.path().join("a")).unwrap();
        assert!(discover(root.path()).unwrap().dirty);
    }

    #[test]
    fn a_revision_from_the_environment_must_be_a_commit() {
        assert!(from_variable("SOURCE_REVISION", "0123456789abcdef".into()).is_ok());
        for bad in ["main", "0123456789A", "0123", "0123456789abcde/"] {
            let error = from_variable("SOURCE_REVISION", bad.into()).unwrap_err();
            assert!(error.is_refusal() && error.to_string().contains(bad), "{error}");
        }
    }

    #[test]
    fn a_tree_without_history_is_known_by_its_content() {
        let root = tempfile::tempdir().unwrap();
        let hash = || content_hash(root.path(), &files_below(root.path()).unwrap()).unwrap();
        fs::create_dir_all(root.path().join("target/debug")).unwrap();
        fs::write(root.path().join("a"), "1").unwrap();
        let first = hash();
        fs::write(root.path().join("target/debug/app"), "products do not count").unwrap();
        fs::create_dir_all(root.path().join("elsewhere")).unwrap();
        fs::write(root.path().join("elsewhere/CACHEDIR.TAG"), "").unwrap();
        assert_eq!(hash(), first);
        fs::rename(root.path().join("a"), root.path().join("c")).unwrap();
        assert_ne!(hash(), first);
    }
}
