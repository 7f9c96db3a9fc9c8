//! The build cache: one project's products, and what they were compiled from.
//!
//! cargo compares times. A file whose time is older than the last build but whose content is newer (an archive
//! carries the commit's time, a copy the original's), and whatever a macro reads without telling cargo, would be
//! taken for compiled already. So the hash of the whole source tree of the last compilation that succeeded is kept
//! beside the products; where it differs, all local products are removed. It is taken away before that and written
//! after a compilation, so one that was interrupted counts as never done.
//!
//! Whoever holds the cache is alone in it, from the first look to the packing of the binary: two builds that met
//! would pack each other's programs.

use std::fs::{self, File, TryLockError};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::error::ImageError;
use crate::report::Report;
use crate::tree::CACHE_MARK;

/// How long another build may take: a first one compiles every dependency.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30 * 60);
const POLL: Duration = Duration::from_millis(100);
/// The first line of a cache's mark, by its specification.
const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55\n";

/// The cache of `workspace` unless its owner names another: `BUILD_CACHE_DIR/image`, which is one project's (the
/// buildspec sets it); else below the target directory, in a folder of the checkout's own, because several
/// checkouts may share a target directory. Never the user's products, whose lock it would share.
pub fn default_cache(workspace: &Path) -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(own) = variable("BUILD_CACHE_DIR") {
        return workspace.join(own).join("image");
    }
    let parent = variable("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    workspace.join(parent).join("image").join(key(workspace))
}

/// A folder's name for a checkout.
fn key(workspace: &Path) -> String {
    let path = fs::canonicalize(workspace).unwrap_or_else(|_| workspace.to_owned());
    hex::encode(Sha256::digest(path.as_os_str().as_bytes())).chars().take(16).collect()
}

/// A cache that nobody else can use until it is dropped.
#[derive(Debug)]
pub(crate) struct BuildCache {
    pub(crate) folder: PathBuf,
    lock: File,
}

impl BuildCache {
    /// Waits for the cache in `folder`, at most for `patience`.
    ///
    /// # Errors
    /// A refusal when another build still holds it then.
    pub(crate) async fn lock(
        folder: &Path,
        patience: Duration,
        report: Report<'_>,
    ) -> Result<Self, ImageError> {
        let lock = Self::prepare(folder).map_err(|error| {
            ImageError::failed(format!("make the build cache `{}`", folder.display()), error)
        })?;
        let began = tokio::time::Instant::now();
        let mut told = false;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { folder: folder.to_owned(), lock }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(ImageError::failed(
                        format!("lock the build cache `{}`", folder.display()),
                        error,
                    ));
                }
            }
            if began.elapsed() >= patience {
                return Err(ImageError::refused(format!(
                    "build cache `{}` is in use by another build, expected it to be free within {} s",
                    folder.display(),
                    patience.as_secs()
                ))
                .with_hint("wait for that build, or end it, and run this again"));
            }
            if !told {
                report(&format!("waiting for another build in `{}`", folder.display()));
                told = true;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn prepare(folder: &Path) -> std::io::Result<File> {
        let is_new = !folder.exists();
        fs::create_dir_all(folder)?;
        // cargo marks only directories that it makes itself.
        let mark = folder.join(CACHE_MARK);
        if !mark.exists() {
            fs::write(mark, SIGNATURE)?;
        }
        // Else the products are sources to git, wherever the project does not ignore the folder they are in, and no build
        // leaves the tree as it found it.
        if is_new {
            fs::write(folder.join(".gitignore"), "*\n")?;
        }
        File::options().create(true).truncate(false).read(true).write(true).open(folder.join("lock"))
    }

    /// The lock as standard input (an empty file) of a program that works in the cache. A cargo that outlives us,
    /// because we were killed, keeps the next build waiting until it has written its last.
    pub(crate) fn shared_with_child(&self) -> std::io::Result<Stdio> {
        Ok(self.lock.try_clone()?.into())
    }

    /// Compares `sources` with those of the last compilation of `kind` that succeeded; takes their hash away where
    /// it differs.
    pub(crate) fn stamp(&self, kind: &str, sources: String) -> Result<Stamp, ImageError> {
        let file = self.folder.join(format!("{kind}.sources"));
        let is_outdated = fs::read_to_string(&file).unwrap_or_default() != sources;
        if is_outdated {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ImageError::failed(format!("remove `{}`", file.display()), error));
                }
                _ => {}
            }
        }
        Ok(Stamp { file, sources, is_outdated })
    }
}

/// What the products are about to be compiled from.
#[derive(Debug)]
pub(crate) struct Stamp {
    file: PathBuf,
    pub(crate) sources: String,
    /// Whether the products may stem from other sources.
    pub(crate) is_outdated: bool,
}

impl Stamp {
    /// The compilation succeeded.
    pub(crate) fn keep(&self) -> Result<(), ImageError> {
        fs::write(&self.file, &self.sources)
            .map_err(|error| ImageError::failed(format!("write `{}`", self.file.display()), error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    async fn open(folder: &Path) -> BuildCache {
        BuildCache::lock(folder, Duration::ZERO, &|_| {}).await.unwrap()
    }

    #[tokio::test]
    async fn only_a_kept_stamp_of_the_same_sources_makes_products_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path()).await;
        let stamp = |sources: &str| cache.stamp("triple", sources.to_owned()).unwrap();
        assert!(stamp("a").is_outdated, "products without a stamp may stem from anything");
        stamp("a").keep().unwrap();
        assert!(!stamp("a").is_outdated);
        assert!(stamp("b").is_outdated);
        // Not kept: the compilation was interrupted. The old sources again, and the products are still suspect.
        assert!(stamp("a").is_outdated);
    }

    #[tokio::test]
    async fn a_new_cache_is_nothing_to_git_and_a_folder_that_was_there_is_left_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        seatrial_git::bytes(root.path(), &["init", "--quiet"]).unwrap();
        fs::create_dir(root.path().join("mine")).unwrap();

        open(&root.path().join("target/image/1")).await;
        open(&root.path().join("mine")).await;

        let listed = ["ls-files", "--others", "--exclude-standard"];
        let listed = String::from_utf8(seatrial_git::bytes(root.path(), &listed).unwrap()).unwrap();
        assert_eq!(listed, "mine/CACHEDIR.TAG\nmine/lock\n");
    }

    #[tokio::test]
    async fn a_cache_has_one_holder_and_the_next_is_told_and_waits_or_gives_up() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).await;
        let told = Mutex::new(Vec::new());
        let report = |line: &str| told.lock().unwrap().push(line.to_owned());
        let error = BuildCache::lock(folder.path(), Duration::from_millis(1), &report).await.unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains("in use by another build"), "{error}");
        assert_eq!(told.lock().unwrap().len(), 1, "told once, not at every look");

        let (second, ()) = tokio::join!(BuildCache::lock(folder.path(), PATIENCE, &report), async {
            drop(first);
        });
        second.unwrap();
    }

    #[test]
    fn checkouts_that_share_a_target_directory_have_caches_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let key_of = |name: &str| key(&folder.path().join(name));
        assert_ne!(key_of("a"), key_of("b"));
        assert_eq!(key_of("a"), key_of("b/../a"));
    }
}
