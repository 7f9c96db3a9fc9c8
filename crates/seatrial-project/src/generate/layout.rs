//! Where the project's `xtask` stands: what is generated depends on it, and it is read from the tree.

use std::fs;
use std::io;
use std::path::Path;

/// `xtask`'s manifest, from the project's folder.
const MANIFEST: &str = "xtask/Cargo.toml";

/// Whose lock file the tool is compiled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The workspace's, which `xtask` is a member of, or which has the tool without an `xtask`.
    Member,
    /// `xtask`'s own: it is a workspace of itself, in a repository of any language.
    OwnWorkspace,
}

impl Layout {
    /// The layout of the project in `root`.
    ///
    /// # Errors
    /// A manifest that is there and cannot be read.
    pub fn find(root: &Path) -> io::Result<Self> {
        match fs::read_to_string(root.join(MANIFEST)) {
            Ok(text) => Ok(Self::of(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Member),
            Err(error) => Err(error),
        }
    }

    /// By the header of the table `workspace` or of a table inside it, which opens `workspace` too. Headers alone are
    /// looked at, for every build of the pipeline compiles this crate, and a parser of TOML would come along.
    fn of(manifest: &str) -> Self {
        let header = |line: &str| -> Option<String> {
            let inner = line.trim().strip_prefix('[')?.split(']').next()?;
            Some(inner.chars().filter(|letter| !letter.is_whitespace()).collect())
        };
        let opens = |name: String| name == "workspace" || name.starts_with("workspace.");
        match manifest.lines().filter_map(header).any(opens) {
            true => Self::OwnWorkspace,
            false => Self::Member,
        }
    }

    /// What cargo is told to find the tool, with a blank before it.
    pub(super) fn cargo_arguments(self) -> &'static str {
        match self {
            Self::Member => "",
            Self::OwnWorkspace => " --manifest-path xtask/Cargo.toml",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_with_a_table_workspace_is_a_workspace_of_its_own() {
        for own in
            ["[workspace]\n", "[package]\n\n [ workspace ] # ours\n", "[workspace.dependencies]\nx = '1'\n"]
        {
            assert_eq!(Layout::of(own), Layout::OwnWorkspace, "{own}");
        }
        for member in
            ["", "[package]\nversion.workspace = true\n", "# [workspace]\n", "[lints]\nworkspace = true\n"]
        {
            assert_eq!(Layout::of(member), Layout::Member, "{member}");
        }
    }

    #[test]
    fn a_project_without_xtask_has_the_tool_in_its_workspace() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Layout::find(root.path()).unwrap(), Layout::Member);
        fs::create_dir(root.path().join("xtask")).unwrap();
        fs::write(root.path().join(MANIFEST), "[workspace]\n").unwrap();
        assert_eq!(Layout::find(root.path()).unwrap(), Layout::OwnWorkspace);
    }
}
