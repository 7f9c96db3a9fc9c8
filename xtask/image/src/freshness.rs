//! Whether the target directory's products were compiled from these very sources.
//!
//! cargo compares times. A file whose time is older than the last build but whose content is newer (an archive
//! carries the commit's time, a copy the original's) would be taken for compiled already. So the content's hash
//! of the last compilation that succeeded is kept beside the products; when it differs, they are removed. It is
//! taken away before and written after a compilation, so one that was interrupted counts as never done.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::ImageError;
use crate::source::{files_below, hash_files};

/// The hash of the sources to be compiled, and where that of the last compilation is kept.
pub(crate) struct SourceStamp {
    file: PathBuf,
    hash: String,
    outdated: bool,
}

impl SourceStamp {
    /// Reads the sources below `package` and takes away the stamp of `target` if it differs.
    pub(crate) fn take(package: &Path, target_directory: &Path, target: &str) -> Result<Self, ImageError> {
        let file = target_directory.join(format!("{target}.sources"));
        let mut hasher = Sha256::new();
        hash_files(&mut hasher, package, &files_below(package)?)?;
        let hash = hex::encode(hasher.finalize());
        let kept = fs::read_to_string(&file).unwrap_or_default();
        // Without products there is nothing to take for fresh.
        let outdated = kept != hash && target_directory.join(target).is_dir();
        if kept != hash {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ImageError::failed(format!("remove `{}`", file.display()), error));
                }
                _ => {}
            }
        }
        Ok(Self { file, hash, outdated })
    }

    /// Whether the products may stem from other sources.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// The compilation succeeded.
    pub(crate) fn keep(&self) -> Result<(), ImageError> {
        fs::write(&self.file, &self.hash)
            .map_err(|error| ImageError::failed(format!("write `{}`", self.file.display()), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outdated(root: &Path) -> SourceStamp {
        SourceStamp::take(&root.join("app"), &root.join("target"), "triple").unwrap()
    }

    #[test]
    fn a_changed_file_is_noticed_whatever_its_time_says() {
        let root = tempfile::tempdir().unwrap();
        let source = root.path().join("app/main.rs");
        fs::create_dir_all(root.path().join("app")).unwrap();
        fs::create_dir_all(root.path().join("target/triple")).unwrap();
        fs::write(&source, "old").unwrap();
        let first = outdated(root.path());
        assert!(first.is_outdated(), "products without a stamp may stem from anything");
        first.keep().unwrap();
        assert!(!outdated(root.path()).is_outdated());

        fs::write(&source, "new").unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        fs::File::options().write(true).open(&source).unwrap().set_modified(long_ago).unwrap();
        assert!(outdated(root.path()).is_outdated());

        // Not kept: the compilation failed. Back to the old content, and the products are still suspect.
        fs::write(&source, "old").unwrap();
        assert!(outdated(root.path()).is_outdated());
    }

    #[test]
    fn a_new_file_and_a_renamed_file_are_noticed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("app/migrations")).unwrap();
        fs::create_dir_all(root.path().join("target/triple")).unwrap();
        fs::write(root.path().join("app/migrations/1.sql"), "").unwrap();
        outdated(root.path()).keep().unwrap();
        fs::write(root.path().join("app/migrations/2.sql"), "").unwrap();
        let stamp = outdated(root.path());
        assert!(stamp.is_outdated());
        stamp.keep().unwrap();
        fs::rename(root.path().join("app/migrations/2.sql"), root.path().join("app/migrations/3.sql"))
            .unwrap();
        assert!(outdated(root.path()).is_outdated());
    }
}
