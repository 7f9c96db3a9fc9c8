//! Where the tool stands in the project: what is generated depends on it, and it is read from the tree.

use std::fs;
use std::io;
use std::path::Path;

use super::installed::{INSTALLED, Installed};

/// The folder that usually has the tool, from the project's folder.
const USUAL: &str = "xtask";
/// What cargo calls the installed tool by.
const INSTALLED_NAME: &str = "seatrial";
/// The crate that a project's tool is made of.
const TOOL: &str = "seatrial";
/// Where a project configures cargo.
const CONFIG: &str = ".cargo/config.toml";

/// Whose lock file the tool is compiled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The workspace's, which `xtask` is a member of, or which has the tool without an `xtask`.
    Member,
    /// `xtask`'s own: it is a workspace of itself, in a repository of any language.
    OwnWorkspace,
}

/// Where the tool stands, and for what it is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose lock file.
    pub layout: Layout,
    /// Its folder and its package, from the project's folder: `xtask` where the project has nothing else of that name.
    pub folder: String,
    /// The project has everything compiled for a target that need not be the building machine (`build.target`).
    pub names_target: bool,
    /// The project has no such folder: `cargo seatrial` is installed. Then `folder` is that name alone.
    pub installed: Option<Installed>,
}

impl From<Installed> for Place {
    fn from(installed: Installed) -> Self {
        let folder = INSTALLED_NAME.to_owned();
        Self { layout: Layout::Member, folder, names_target: false, installed: Some(installed) }
    }
}

impl From<Layout> for Place {
    fn from(layout: Layout) -> Self {
        Self { layout, folder: USUAL.to_owned(), names_target: false, installed: None }
    }
}

impl Place {
    /// The place of the tool in the project in `root`: the folder `xtask`, or, where that has nothing of this tool, the
    /// first one that depends on it; else what [`INSTALLED`] says.
    ///
    /// # Errors
    /// A file or folder that is there and cannot be read, or says something else.
    pub fn find(root: &Path) -> io::Result<Self> {
        let names_target = read(&root.join(CONFIG))?.is_some_and(|config| sets(&config, "build", "target"));
        let usual = read(&root.join(USUAL).join("Cargo.toml"))?;
        let found = match &usual {
            Some(manifest) if depends(manifest) => Some((USUAL.to_owned(), manifest.clone())),
            _ => other_folder(root)?.or(usual.map(|manifest| (USUAL.to_owned(), manifest))),
        };
        if !found.as_ref().is_some_and(|(_, manifest)| depends(manifest))
            && let Some(text) = read(&root.join(INSTALLED))?
        {
            return Ok(Installed::parse(&text)?.into());
        }
        let (folder, layout) = match found {
            Some((folder, manifest)) => (folder, Layout::of(&manifest)),
            None => (USUAL.to_owned(), Layout::Member),
        };
        Ok(Self { layout, folder, names_target, installed: None })
    }

    /// What cargo is told to find the tool, with a blank before it.
    pub(super) fn cargo_arguments(&self) -> String {
        match self.layout {
            Layout::Member => String::new(),
            Layout::OwnWorkspace => format!(" --manifest-path {}/Cargo.toml", self.folder),
        }
    }

    /// What cargo is told to compile it for the building machine, with a blank before it. Not said where it would be so
    /// anyway: cargo compiles everything anew for a target that is named.
    pub(super) fn target_arguments(&self) -> &'static str {
        if self.names_target { " --target host-tuple" } else { "" }
    }
}

fn read(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The first folder besides `xtask`, by name, that depends on the tool, and its manifest.
fn other_folder(root: &Path) -> io::Result<Option<(String, String)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    for name in names.into_iter().filter(|name| name != USUAL) {
        if let Some(manifest) = read(&root.join(&name).join("Cargo.toml"))?.filter(|found| depends(found)) {
            return Ok(Some((name, manifest)));
        }
    }
    Ok(None)
}

impl Layout {
    /// By the header of the table `workspace` or of a table inside it, which opens `workspace` too.
    fn of(manifest: &str) -> Self {
        let opens = |name: String| name == "workspace" || name.starts_with("workspace.");
        match manifest.lines().filter_map(header).any(opens) {
            true => Self::OwnWorkspace,
            false => Self::Member,
        }
    }
}

/// The name of the table that a line opens. Lines alone are looked at, here and below, for every build of the pipeline
/// compiles this crate, and a parser of TOML would come along.
fn header(line: &str) -> Option<String> {
    let inner = line.trim().strip_prefix('[')?.split(']').next()?;
    Some(inner.chars().filter(|letter| !letter.is_whitespace()).collect())
}

/// Whether a manifest names the tool as a dependency.
fn depends(manifest: &str) -> bool {
    sets(manifest, "dependencies", TOOL)
}

/// Whether a table of a file has a key, in one of the ways to write that.
fn sets(text: &str, table: &str, key: &str) -> bool {
    let mut inside = String::new();
    text.lines().any(|line| {
        if let Some(opened) = header(line) {
            inside = opened;
            return inside == format!("{table}.{key}");
        }
        let named = line.split('=').next().unwrap_or_default();
        let named: String = named.chars().filter(|letter| !letter.is_whitespace()).collect();
        let path = if inside.is_empty() { named } else { format!("{inside}.{named}") };
        let wanted = format!("{table}.{key}");
        line.contains('=') && (path == wanted || path.starts_with(&format!("{wanted}.")))
    })
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
    fn a_table_has_a_key_however_that_is_written() {
        for with in [
            "[build]\ntarget = 'x'\n",
            "[ build ]\njobs = 1\n target='x'\n",
            "build.target = 'x'\n",
            "[build.target]\n",
        ] {
            assert!(sets(with, "build", "target"), "{with}");
        }
        for without in [
            "",
            "[build]\ntarget-dir = 'x'\n",
            "[target.x86_64-unknown-linux-gnu]\nlinker = 'clang'\n",
            "[build]\n# target = 'x'\n[other]\ntarget = 'x'\n",
        ] {
            assert!(!sets(without, "build", "target"), "{without}");
        }
        for with in ["seatrial = '1'", "seatrial.workspace = true", "seatrial = { git = 'u' }"] {
            assert!(depends(&format!("[package]\nname = 'x'\n[dependencies]\n{with}\n")), "{with}");
        }
        assert!(!depends("[dependencies]\nseatrial-image = '1'\n[dev-dependencies]\nseatrial = '1'\n"));
    }

    #[test]
    fn the_tool_is_found_where_it_stands() {
        let root = tempfile::tempdir().unwrap();
        let found = || Place::find(root.path()).unwrap();
        let write = |folder: &str, manifest: &str| {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join("Cargo.toml"), manifest).unwrap();
        };
        assert_eq!(found(), Layout::Member.into());
        write("xtask", "[workspace]\n");
        assert_eq!(found(), Layout::OwnWorkspace.into());
        write("deploy", "[workspace]\n[dependencies]\nseatrial = '1'\n");
        assert_eq!(found().folder, "deploy");
        write("xtask", "[dependencies]\nseatrial = '1'\n");
        assert_eq!(found(), Layout::Member.into());
        fs::create_dir(root.path().join(".cargo")).unwrap();
        fs::write(root.path().join(CONFIG), "[build]\ntarget = 'x'\n").unwrap();
        assert_eq!(found(), Place { names_target: true, ..Layout::Member.into() });
    }
}
