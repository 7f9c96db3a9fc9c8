//! Which revision of the sources is built: the commit, what CodeBuild was given, or a hash of the content.

use seatrial_git::bytes as git;
use sha2::{Digest as _, Sha256};

use crate::error::ImageError;
use crate::tree::Tree;

/// Digits of a revision that make a tag.
const TAG_DIGITS: usize = 12;
/// As long as a commit's id: the label and the tags look alike.
const CONTENT_DIGITS: usize = 40;

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

impl Revision {
    /// What an image is named after whose sources were this before the compilation and `after` behind it. Work that is
    /// not committed may go on meanwhile; the mixture is a revision of its own, which no tree has. A commit may not:
    /// then `None`.
    pub(crate) fn until(&self, after: &Self) -> Option<Self> {
        if self == after {
            return Some(self.clone());
        }
        let mixture = hex::encode(Sha256::digest(format!("{} {}", self.id, after.id)));
        let id = format!("dirty-{}", mixture.chars().take(CONTENT_DIGITS).collect::<String>());
        (self.dirty && after.dirty).then_some(Self { id, dirty: true })
    }
}

/// Finds the revision of a tree: of its git checkout; else from `SOURCE_REVISION` or
/// `CODEBUILD_RESOLVED_SOURCE_VERSION`, because CodeBuild's sources come without history; else from the content.
pub(crate) fn discover(tree: &Tree) -> Result<Revision, ImageError> {
    if tree.is_checkout {
        return from_git(tree);
    }
    for variable in ["SOURCE_REVISION", "CODEBUILD_RESOLVED_SOURCE_VERSION"] {
        if let Some(id) = std::env::var(variable).ok().filter(|id| !id.is_empty()) {
            return from_variable(variable, id);
        }
    }
    Ok(Revision { id: content_id(tree)?, dirty: false })
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

fn from_git(tree: &Tree) -> Result<Revision, ImageError> {
    if !git(&tree.root, &["status", "--porcelain"])?.is_empty() {
        return Ok(Revision { id: format!("dirty-{}", content_id(tree)?), dirty: true });
    }
    let commit = git(&tree.root, &["rev-parse", "--verify", "HEAD"])?;
    Ok(Revision { id: String::from_utf8_lossy(&commit).trim().to_owned(), dirty: false })
}

fn content_id(tree: &Tree) -> Result<String, ImageError> {
    Ok(tree.hash()?.chars().take(CONTENT_DIGITS).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn git(directory: &Path, arguments: &[&str]) -> String {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
        let output = super::git(directory, &[&identity, arguments].concat()).unwrap();
        String::from_utf8(output).unwrap().trim().to_owned()
    }

    fn discover(workspace: &Path) -> Revision {
        super::discover(&Tree::list(workspace).unwrap()).unwrap()
    }

    #[test]
    fn a_clean_checkout_has_its_commit_and_a_dirty_one_its_content() {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "--quiet"]);
        fs::write(root.path().join("a"), "1").unwrap();
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "--quiet", "--message", "first"]);
        let head = git(root.path(), &["rev-parse", "HEAD"]);
        let clean = discover(root.path());
        assert_eq!((clean.id.as_str(), clean.tags()), (&*head, vec![head[..12].to_owned(), "latest".into()]));

        fs::write(root.path().join("b"), "2").unwrap();
        let dirty = discover(root.path());
        assert!(dirty.dirty && dirty.tag().len() == 18, "{dirty:?}");
        assert_eq!(dirty.tags(), [dirty.tag()]);
        fs::write(root.path().join("b"), "3").unwrap();
        assert_ne!(discover(root.path()), dirty);
        fs::remove_file(root.path().join("a")).unwrap();
        assert!(discover(root.path()).dirty);
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
    fn sources_that_change_while_they_are_compiled_are_no_commit_and_no_tree() {
        let revision = |id: &str| Revision { id: id.into(), dirty: id.starts_with("dirty") };
        let (commit, one, two) = (revision("0123"), revision("dirty-1"), revision("dirty-2"));
        assert_eq!(commit.until(&commit), Some(commit.clone()));
        for (before, after) in [(&commit, &one), (&one, &commit), (&commit, &revision("4567"))] {
            assert_eq!(before.until(after), None);
        }
        let mixture = one.until(&two).unwrap();
        assert!(mixture.dirty && mixture != one && mixture != two, "{mixture:?}");
    }

    #[test]
    fn a_change_beside_the_workspace_makes_the_tree_dirty() {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "--quiet"]);
        fs::create_dir_all(root.path().join("server")).unwrap();
        fs::write(root.path().join("server/Cargo.toml"), "").unwrap();
        fs::write(root.path().join("shared"), "1").unwrap();
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "--quiet", "--message", "first"]);
        assert!(!discover(&root.path().join("server")).dirty);
        fs::write(root.path().join("shared"), "2").unwrap();
        assert!(discover(&root.path().join("server")).dirty);
    }
}
