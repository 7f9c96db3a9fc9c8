//! The folder that is to become a project, as it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seatrial_git::Git;
use seatrial_project::{PROJECT_FILE, Project};

use crate::exit::Refused;

/// A toolchain file, in either spelling.
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain.toml", "rust-toolchain"];
/// What is in a folder besides its files: of git, and of cargo's making.
const NO_FILES: [&str; 3] = [".git", "target", "Cargo.lock"];

/// The folder.
pub(super) struct Ground {
    pub root: PathBuf,
    pub git: Option<Git>,
    /// What it is already.
    pub project: Option<Project>,
    pub has_manifest: bool,
}

impl Ground {
    /// Looks at `folder`, which need not be there.
    ///
    /// # Errors
    /// Refused where it is no folder, is a project already and not a good one, or names a toolchain that is too old for
    /// this tool.
    pub(super) fn find(folder: &Path) -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("failed to find the current directory")?;
        let root = here.join(folder);
        let root = if root.exists() { root.canonicalize().unwrap_or(root) } else { root };
        let shown = root.display();
        if root.exists() && !root.is_dir() {
            return Err(Refused::new(format!("`{shown}` is no folder")).into());
        }
        if root.to_str().is_none() {
            return Err(Refused::new(format!("the path `{shown}` is not UTF-8, which templates are")).into());
        }
        let above = root.ancestors().find(|dir| dir.is_dir()).unwrap_or(&here);
        let git = Git::find(above)?;
        let project = match root.join(PROJECT_FILE).exists() {
            true => Some(Project::load(&root)?),
            false => None,
        };
        let has_manifest = root.join("Cargo.toml").exists();
        let ground = Self { has_manifest, git, project, root: root.clone() };
        ground.refuse_an_old_toolchain()?;
        Ok(ground)
    }

    /// rustup takes the toolchain that a file here or above names, for the tool as for the application.
    fn refuse_an_old_toolchain(&self) -> anyhow::Result<()> {
        let files = self.root.ancestors().flat_map(|dir| TOOLCHAIN_FILES.map(|name| dir.join(name)));
        let Some((file, text)) =
            files.into_iter().find_map(|file| Some((file.clone(), fs::read_to_string(file).ok()?)))
        else {
            return Ok(());
        };
        let Some(named) = channel(&text) else { return Ok(()) };
        match version(&named).is_some_and(|named| Some(named) < version(env!("CARGO_PKG_RUST_VERSION"))) {
            true => {
                let wanted = env!("CARGO_PKG_RUST_VERSION");
                let file = file.display();
                let refused =
                    format!("`{file}` names Rust {named}: Seatrial is compiled by {wanted} or a later one");
                Err(Refused::new(refused).hint(format!("name {wanted} there, or a later one")).into())
            }
            false => Ok(()),
        }
    }

    /// Whether the folder has nothing, or only of `files`, with their texts: whoever was interrupted goes on.
    ///
    /// # Errors
    /// What is there and cannot be read.
    pub(super) fn holds_nothing_but(&self, files: &[(String, String)]) -> anyhow::Result<bool> {
        let failed = || format!("failed to look at `{}`", self.root.display());
        holds_nothing_but(&self.root, files).with_context(failed)
    }

    /// A file's text, where there is one.
    ///
    /// # Errors
    /// One that is there and cannot be read.
    pub(super) fn read(&self, file: &str) -> anyhow::Result<Option<String>> {
        match fs::read_to_string(self.root.join(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(anyhow::Error::from(error).context(format!("failed to read `{file}`"))),
        }
    }
}

/// What a toolchain file names.
fn channel(text: &str) -> Option<String> {
    match text.parse::<toml_edit::DocumentMut>() {
        Ok(file) => Some(file.get("toolchain")?.get("channel")?.as_str()?.to_owned()),
        // The old form is the name alone.
        Err(_) => Some(text.trim().to_owned()),
    }
}

/// Major and minor number of a release; `None` of a channel such as `stable`.
fn version(named: &str) -> Option<(u32, u32)> {
    let mut parts = named.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Whether a folder has no file but those of `files`, with that text. One that is not there has none.
fn holds_nothing_but(root: &Path, files: &[(String, String)]) -> io::Result<bool> {
    if !root.exists() {
        return Ok(true);
    }
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if NO_FILES.iter().any(|name| path == Path::new(name)) {
                continue;
            }
            // A folder of somebody else's may be large: it is left at its first file.
            let known = files.iter().find(|(name, _)| Path::new(name) == path);
            match (entry.file_type()?.is_dir(), known) {
                (true, _) => folders.push(path),
                (false, Some((_, text))) if fs::read(entry.path())? == text.as_bytes() => {}
                _ => return Ok(false),
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_is_too_old_is_told_from_a_channel() {
        let older = |text: &str| version(&channel(text).unwrap()).is_some_and(|named| named < (1, 95));
        assert!(older("[toolchain]\nchannel = \"1.80.1\"\ncomponents = ['rustfmt']\n") && older("1.94\n"));
        for good in
            ["[toolchain]\nchannel = \"1.95\"\n", "stable\n", "nightly-2025-01-01\n", "1.100\n", "2.0.0"]
        {
            assert!(!older(good), "{good}");
        }
    }

    #[test]
    fn a_folder_is_new_as_long_as_nobody_put_anything_of_his_own_there() {
        let dir = tempfile::tempdir().unwrap();
        let files = [("a/one".to_owned(), "1".to_owned()), ("two".to_owned(), "2".to_owned())];
        let is_new = || holds_nothing_but(&dir.path().join("it"), &files).unwrap();
        assert!(is_new());
        for folder in ["it/.git", "it/target", "it/a"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
            assert!(is_new(), "{folder}");
        }
        fs::write(dir.path().join("it/.git/config"), "").unwrap();
        fs::write(dir.path().join("it/a/one"), "1").unwrap();
        assert!(is_new());
        fs::write(dir.path().join("it/a/one"), "edited").unwrap();
        assert!(!is_new());
        fs::write(dir.path().join("it/a/one"), "1").unwrap();
        fs::create_dir(dir.path().join("it/b")).unwrap();
        assert!(is_new());
        fs::write(dir.path().join("it/b/notes"), "").unwrap();
        assert!(!is_new());
    }
}
