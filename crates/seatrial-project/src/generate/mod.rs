//! The files of `.aws/`: generated from infra/project.yml, committed, and checked to be in step with it.
//!
//! They are templates for all environments. What differs between environments is a placeholder, which the build
//! fills, or is added by it (variables and secrets of the project's own); so a change of a value in project.yml needs
//! no new files, only a release.

mod appspec;
mod buildspec;
mod facts;
mod installed;
mod layout;
mod taskdef;
mod workflow;

use std::fs;
use std::io;
use std::path::Path;

pub use self::installed::{INSTALLED, Installed};
pub use self::layout::{Layout, Place};
pub use self::workflow::HEAD as WORKFLOW_HEAD;

use self::facts::Facts;
use crate::Project;

/// Where CodeBuild finds its buildspec; the stack `build` names it too.
pub const BUILDSPEC: &str = ".aws/buildspec.yml";
/// The template of what CodeDeploy reads.
pub const APPSPEC: &str = ".aws/appspec.yaml";
/// The template of what ECS registers.
pub const TASKDEF: &str = ".aws/taskdef.json";

/// One generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile<Path = &'static str> {
    /// From the project's folder.
    pub path: Path,
    /// All of it.
    pub text: String,
}

/// All of them, in the order in which a release reads them.
///
/// # Errors
/// None that is known: the writers of JSON and YAML can fail, what they write here gives them no reason to.
pub fn files(project: &Project, place: &Place) -> io::Result<[GeneratedFile; 3]> {
    let facts = Facts::of(project, place);
    Ok([
        GeneratedFile { path: BUILDSPEC, text: buildspec::render(&facts).map_err(io::Error::other)? },
        GeneratedFile { path: TASKDEF, text: taskdef::render()? },
        GeneratedFile { path: APPSPEC, text: appspec::render().map_err(io::Error::other)? },
    ])
}

/// The workflow that checks the project in `inside`, from the repository's top, as is its path. Of these files it alone is
/// written where somebody wants it, and may be gone.
///
/// # Errors
/// As [`files`].
pub fn workflow(inside: &Path, place: &Place) -> io::Result<GeneratedFile<String>> {
    let text = workflow::render(inside, place).map_err(io::Error::other)?;
    Ok(GeneratedFile { path: workflow::path(inside), text })
}

/// The paths of the files that are missing or differ from what project.yml and the tree in `root` say.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn check(root: &Path, project: &Project) -> io::Result<Vec<&'static str>> {
    let mut outdated = Vec::new();
    for file in files(project, &Place::find(root)?)? {
        match fs::read(root.join(file.path)) {
            Ok(found) if found == file.text.as_bytes() => {}
            Ok(_) => outdated.push(file.path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => outdated.push(file.path),
            Err(error) => return Err(error),
        }
    }
    Ok(outdated)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &[u8] =
        b"project: shop\nsource: {repository: o/n}\napp: {port: 8080}\nenvironments: {local: {}}\n";

    #[test]
    fn the_buildspec_fits_every_environment() {
        let buildspec = |common: &str, own: &str| {
            let text = format!(
                "project: shop\nsource: {{repository: o/n}}\nimage: {{{common}}}\n\
                 environments:\n  local: {{image: {{{own}}}}}\n  \
                 other: {{account: '123456789012', region: eu-west-1}}\n"
            );
            files(&Project::parse(text.as_bytes()).unwrap(), &Layout::Member.into()).unwrap()[0].text.clone()
        };
        let named = "--builder docker";
        assert!(buildspec("builder: docker", "").contains(named));
        assert!(!buildspec("builder: docker", "builder: cargo").contains(named));
        assert!(!buildspec("builder: cargo", "builder: docker").contains(named));
        assert!(buildspec("target: gnu", "target: musl").contains("-unknown-linux-musl"));
        assert!(buildspec("target: musl", "target: gnu").contains("-unknown-linux-musl"));
        assert!(!buildspec("", "").contains("-unknown-linux-musl"));
    }

    #[test]
    fn a_missing_and_a_changed_file_are_found() {
        let project = Project::parse(PROJECT).unwrap();
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(check(directory.path(), &project).unwrap(), [BUILDSPEC, TASKDEF, APPSPEC]);
        fs::create_dir(directory.path().join(".aws")).unwrap();
        for file in files(&project, &Layout::Member.into()).unwrap() {
            fs::write(directory.path().join(file.path), file.text).unwrap();
        }
        assert!(check(directory.path(), &project).unwrap().is_empty());
        fs::write(directory.path().join(APPSPEC), "version: 0.0\n").unwrap();
        assert_eq!(check(directory.path(), &project).unwrap(), [APPSPEC]);
        fs::create_dir(directory.path().join("xtask")).unwrap();
        fs::write(directory.path().join("xtask/Cargo.toml"), "[workspace]\n").unwrap();
        assert_eq!(check(directory.path(), &project).unwrap(), [BUILDSPEC, APPSPEC]);
    }
}
