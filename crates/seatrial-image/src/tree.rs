//! The source tree of one build: what the commit holds, as it lies on the disk, and one hash over all of it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use seatrial_git::{Git, bytes as git};
use sha2::{Digest as _, Sha256};

use crate::error::ImageError;

/// Directories of the root that hold history or products, never sources.
const NOT_SOURCES: &[&str] = &[".git", "target"];
/// The file that marks a directory as products wherever it is (Cache Directory Tagging Specification; cargo writes it).
pub(crate) const CACHE_MARK: &str = "CACHEDIR.TAG";
/// All files that a build may read and that a commit can hold.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The repository's root, which may be above the workspace; in CodeBuild the source's folder. Canonical.
    pub(crate) root: PathBuf,
    /// Whether git knows the tree. CodeBuild's sources come without history.
    pub(crate) is_checkout: bool,
    /// From the root; what exists, symbolic links included, which are never followed.
    files: BTreeSet<PathBuf>,
    /// Files of submodules: read by builds here, but in no archive of the commit.
    beside: BTreeSet<PathBuf>,
}

impl Tree {
    /// Lists the tree that `workspace` belongs to.
    pub(crate) fn list(workspace: &Path) -> Result<Self, ImageError> {
        let source = std::env::var_os("CODEBUILD_SRC_DIR").map(PathBuf::from);
        Self::list_below(workspace, source.as_deref())
    }

    fn list_below(workspace: &Path, source: Option<&Path>) -> Result<Self, ImageError> {
        let canonical = |path: &Path| {
            fs::canonicalize(path)
                .map_err(|error| ImageError::failed(format!("find `{}`", path.display()), error))
        };
        let workspace = canonical(workspace)?;
        let source = source.and_then(|path| fs::canonicalize(path).ok());
        let root = match source.filter(|source| workspace.starts_with(source)) {
            _ if workspace.join(".git").exists() => workspace,
            Some(source) => source,
            None => match repository_above(&workspace)? {
                Some(root) => canonical(&root)?,
                None => workspace,
            },
        };
        if !root.join(".git").exists() {
            let files = files_below(&root, Path::new(""))?.into_iter().collect();
            return Ok(Self { root, is_checkout: false, files, beside: BTreeSet::new() });
        }
        let listed = git(&root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let mut tree = Self { root, is_checkout: true, files: BTreeSet::new(), beside: BTreeSet::new() };
        for path in listed.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
            let path = PathBuf::from(OsStr::from_bytes(path));
            match tree.root.join(&path).symlink_metadata() {
                Ok(data) if data.is_dir() => tree.beside.extend(files_below(&tree.root, &path)?),
                Ok(_) => {
                    tree.files.insert(path);
                }
                // Listed but gone: its absence is what the hash shows.
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(unreadable(&tree.root.join(&path), error)),
            }
        }
        Ok(tree)
    }

    /// Whether `file` can be in the commit.
    pub(crate) fn holds(&self, file: &Path) -> bool {
        let canonical = fs::canonicalize(file).ok();
        canonical.is_some_and(|file| {
            file.strip_prefix(&self.root).is_ok_and(|relative| self.files.contains(relative))
        })
    }

    /// Copies what a commit can hold of a folder, and single files, all from the root, into an empty folder: content, mode
    /// and symbolic links as they are.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(crate) fn copy(&self, folder: &Path, single: &[PathBuf], into: &Path) -> Result<(), ImageError> {
        for file in self.files.iter().filter(|file| file.starts_with(folder) || single.contains(file)) {
            let (from, to) = (self.root.join(file), into.join(file));
            match copy_file(&from, &to) {
                Err(error) if is_gone(&error) => {}
                copied => {
                    copied.map_err(|error| ImageError::failed(format!("copy `{}`", from.display()), error))?
                }
            }
        }
        Ok(())
    }

    /// SHA-256 over path, kind, mode and content or link target of each file, lengths included, so that no two
    /// trees look alike. Times do not count.
    pub(crate) fn hash(&self) -> Result<String, ImageError> {
        let mut hasher = Sha256::new();
        for file in self.files.iter().chain(&self.beside) {
            let path = self.root.join(file);
            match hash_file(&mut hasher, file, &path) {
                // Gone since it was listed: as if it had never been there.
                Err(error) if is_gone(&error) => {}
                result => result.map_err(|error| unreadable(&path, error))?,
            }
        }
        Ok(hex::encode(hasher.finalize()))
    }
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    match from.symlink_metadata()?.is_symlink() {
        true => std::os::unix::fs::symlink(fs::read_link(from)?, to),
        false => fs::copy(from, to).map(drop),
    }
}

/// Nothing is there; also where a file has taken the place of a folder above it.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(path: &Path, error: io::Error) -> ImageError {
    ImageError::failed(format!("read `{}`", path.display()), error)
}

fn hash_file(hasher: &mut Sha256, name: &Path, path: &Path) -> io::Result<()> {
    let mut feed = |part: &[u8]| {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    let data = path.symlink_metadata()?;
    if data.is_symlink() {
        let target = fs::read_link(path)?;
        feed(name.as_os_str().as_bytes());
        feed(b"link");
        feed(target.as_os_str().as_bytes());
        return Ok(());
    }
    let mut content = Sha256::new();
    // A pipe or a socket would be waited for; a commit cannot hold it anyway.
    if data.is_file() {
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                length => content.update(buffer.get(..length).unwrap_or_default()),
            }
        }
    }
    feed(name.as_os_str().as_bytes());
    feed(&(data.permissions().mode() & 0o7777).to_le_bytes());
    feed(&content.finalize());
    Ok(())
}

/// Every file below `root/start` that may be a source, relative to `root`.
fn files_below(root: &Path, start: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let mut files = Vec::new();
    let mut pending = vec![start.to_owned()];
    while let Some(relative) = pending.pop() {
        let path = root.join(&relative);
        let failed = |error| ImageError::failed(format!("list `{}`", path.display()), error);
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let is_history = name == ".git";
            if is_history || relative == start && NOT_SOURCES.iter().any(|excluded| name == *excluded) {
                continue;
            }
            if entry.file_type().map_err(failed)?.is_dir() {
                if !entry.path().join(CACHE_MARK).is_file() {
                    pending.push(relative.join(name));
                }
            } else {
                files.push(relative.join(name));
            }
        }
    }
    Ok(files)
}

/// The checkout that holds `workspace` somewhere below its root. A repository above that does not know the
/// workspace's manifest (a home directory under version control, say) is none.
fn repository_above(workspace: &Path) -> Result<Option<PathBuf>, ImageError> {
    let Some(found) = Git::find(workspace)? else { return Ok(None) };
    let known = git(workspace, &["ls-files", "--error-unmatch", "Cargo.toml"]).is_ok();
    Ok(known.then(|| found.top().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let year_2000 = SystemTime::UNIX_EPOCH + Duration::from_secs(946_684_800);
        File::options().write(true).open(&path).unwrap().set_modified(year_2000).unwrap();
    }

    fn hash(root: &Path) -> String {
        Tree::list_below(root, None).unwrap().hash().unwrap()
    }

    #[test]
    fn whatever_a_commit_can_change_changes_the_hash_and_nothing_else_does() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "Cargo.toml", "[workspace]");
        write(root, "a/one", "1");
        symlink("one", root.join("a/link")).unwrap();
        let mut seen = vec![hash(root)];
        let mut changed = |what: &str| {
            let now = hash(root);
            assert!(!seen.contains(&now), "{what} went unnoticed");
            seen.push(now);
        };
        write(root, "a/one", "2");
        changed("a change of the same size and date");
        write(root, "b/two", "");
        changed("an empty file");
        fs::rename(root.join("b"), root.join("c")).unwrap();
        changed("a renamed folder");
        fs::set_permissions(root.join("a/one"), fs::Permissions::from_mode(0o755)).unwrap();
        changed("another mode");
        fs::remove_file(root.join("a/link")).unwrap();
        symlink("../c/two", root.join("a/link")).unwrap();
        changed("another link target");
        fs::remove_file(root.join("a/link")).unwrap();
        write(root, "a/link", "../c/two");
        changed("a file in place of a link");
        fs::remove_file(root.join("c/two")).unwrap();
        changed("a deletion");

        let last = hash(root);
        write(root, "target/image/app", "products");
        write(root, "elsewhere/CACHEDIR.TAG", "");
        write(root, "elsewhere/products", "");
        File::open(root.join("a/one")).unwrap().set_modified(SystemTime::now()).unwrap();
        assert_eq!(hash(root), last);
    }

    #[test]
    fn the_tree_of_a_checkout_is_what_git_would_commit_of_the_whole_repository() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        git(&root, &["init", "--quiet"]).unwrap();
        for (name, text) in [("server/Cargo.toml", ""), ("shared/lib.rs", ""), (".gitignore", "*.log\n")] {
            write(&root, name, text);
        }
        git(&root, &["add", "."]).unwrap();
        write(&root, "shared/new.rs", "");
        write(&root, "server/ignored.log", "");
        let tree = Tree::list(&root.join("server")).unwrap();
        assert_eq!(tree.root, root);
        assert!(tree.holds(&root.join("server/../shared/lib.rs")) && tree.holds(&root.join("shared/new.rs")));
        assert!(!tree.holds(&root.join("server/ignored.log")) && !tree.holds(Path::new("/etc/hosts")));
    }

    #[test]
    fn what_is_listed_may_be_gone_but_not_unreadable() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        git(root, &["init", "--quiet"]).unwrap();
        for name in ["a/file", "b/file", "c"] {
            write(root, name, "");
        }
        git(root, &["add", "."]).unwrap();
        fs::remove_file(root.join("c")).unwrap();
        fs::remove_dir_all(root.join("a")).unwrap();
        write(root, "a", "a file where the folder was");
        let files = Tree::list(root).unwrap().files;
        assert_eq!(files, ["a", "b/file"].map(PathBuf::from).into());

        // Not even root can follow a link to itself.
        fs::remove_dir_all(root.join("b")).unwrap();
        symlink("b", root.join("b")).unwrap();
        let error = Tree::list(root).unwrap_err().to_string();
        assert!(error.starts_with("failed to read `") && error.ends_with("/b/file`"), "{error}");
    }

    #[test]
    fn a_repository_above_that_does_not_know_the_workspace_is_not_its_tree() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        git(&root, &["init", "--quiet"]).unwrap();
        write(&root, "build/src/project/Cargo.toml", "");
        let workspace = root.join("build/src/project");
        let tree = Tree::list_below(&workspace, None).unwrap();
        assert_eq!((tree.root, tree.is_checkout), (workspace.clone(), false));
        // CodeBuild's folder counts, though the workspace is below it.
        let tree = Tree::list_below(&workspace, Some(&root.join("build/src"))).unwrap();
        assert_eq!((tree.root, tree.is_checkout), (root.join("build/src"), false));
    }
}
