//! The files of `.aws/`: generated from infra/project.yml, committed, and checked to be in step with it.
//!
//! They are templates for all environments. What differs between environments is a placeholder, which the build
//! fills; so a change of a value in project.yml needs no new files, only a release.

mod appspec;
mod buildspec;
mod taskdef;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::project::{ImageBuilder, ImageTarget, Project};

/// Where CodeBuild finds its buildspec; the stack `build` names it too.
pub(crate) const BUILDSPEC: &str = ".aws/buildspec.yml";
pub(crate) const APPSPEC: &str = ".aws/appspec.yaml";
pub(crate) const TASKDEF: &str = ".aws/taskdef.json";
/// The container that gets the traffic: task definition, AppSpec and the stack `service` name it.
pub(crate) const CONTAINER: &str = "app";

/// What the files depend on.
#[derive(Debug, Clone)]
struct Facts {
    builder: ImageBuilder,
    target: ImageTarget,
    /// Names of `app.environment` and `app.secrets` in any environment.
    variables: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Facts {
    fn of(project: &Project) -> Self {
        let environments = || project.environments.values();
        let image = environments().next().map(|environment| &environment.image);
        Self {
            builder: image.map_or_else(ImageBuilder::default, |image| image.builder),
            target: image.map_or_else(ImageTarget::default, |image| image.target),
            variables: environments()
                .flat_map(|environment| environment.app.environment.keys().cloned())
                .collect(),
            secrets: environments().flat_map(|environment| environment.app.secrets.keys().cloned()).collect(),
        }
    }
}

/// One generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GeneratedFile {
    /// From the root of the workspace.
    pub(crate) path: &'static str,
    pub(crate) text: String,
}

/// All of them, in the order in which a release reads them.
pub(crate) fn files(project: &Project) -> Vec<GeneratedFile> {
    let facts = Facts::of(project);
    vec![
        GeneratedFile { path: BUILDSPEC, text: buildspec::render(&facts) },
        GeneratedFile { path: TASKDEF, text: taskdef::render(&facts) },
        GeneratedFile { path: APPSPEC, text: appspec::render() },
    ]
}

/// The paths of the files that are missing or differ from what project.yml says.
///
/// # Errors
/// A file that is there and cannot be read.
pub(crate) fn check(root: &Path, project: &Project) -> io::Result<Vec<&'static str>> {
    let mut outdated = Vec::new();
    for file in files(project) {
        match fs::read(root.join(file.path)) {
            Ok(found) if found == file.text.as_bytes() => {}
            Ok(_) => outdated.push(file.path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => outdated.push(file.path),
            Err(error) => return Err(error),
        }
    }
    Ok(outdated)
}

/// Writes the files that differ and gives their paths.
pub(crate) fn write(root: &Path, project: &Project) -> io::Result<Vec<&'static str>> {
    let outdated = check(root, project)?;
    for file in files(project).into_iter().filter(|file| outdated.contains(&file.path)) {
        let path = root.join(file.path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, file.text)?;
    }
    Ok(outdated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    #[test]
    fn the_committed_files_are_in_step_with_the_project() {
        let project = Project::load(root()).unwrap();
        assert_eq!(check(root(), &project).unwrap(), Vec::<&str>::new(), "run `cargo xtask generate`");
    }

    #[test]
    fn a_missing_and_a_changed_file_are_found_and_written() {
        let project = Project::load(root()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(write(directory.path(), &project).unwrap(), [BUILDSPEC, TASKDEF, APPSPEC]);
        assert!(check(directory.path(), &project).unwrap().is_empty());
        fs::write(directory.path().join(APPSPEC), "version: 0.0\n").unwrap();
        assert_eq!(write(directory.path(), &project).unwrap(), [APPSPEC]);
    }

    /// The templates and what fills them are written apart: every placeholder must have a giver.
    #[test]
    fn the_templates_are_filled_by_what_the_stacks_and_the_project_give() {
        let given = [
            "AWS_REGION",
            "DB_HOST",
            "DB_NAME",
            "DB_PORT",
            "DB_SECRET_ARN",
            "DB_USER",
            "EXECUTION_ROLE_ARN",
            "LOG_GROUP",
            "TASK_ROLE_ARN",
        ];
        let mut variables = seatrial_image::ProjectFacts::read(root(), None).unwrap().variables();
        variables.extend(given.map(|name| (name.to_owned(), format!("value-of-{name}"))));
        let directory = tempfile::tempdir().unwrap();
        let uri = "127.0.0.1:5000/myapp-local@sha256:0";
        seatrial_image::write_artifacts(root(), directory.path(), uri, &variables).unwrap();

        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        let definition: serde_json::Value = serde_json::from_str(&read("taskdef.json")).unwrap();
        assert_eq!(definition["family"], "myapp-local");
        assert_eq!(definition["containerDefinitions"][0]["image"], "<IMAGE1_NAME>");
        assert_eq!(definition["containerDefinitions"][0]["portMappings"][0]["containerPort"], 4000);
        assert!(read("appspec.yaml").contains("TaskDefinition: <TASK_DEFINITION>\n"));
        assert!(read("appspec.yaml").contains("ContainerPort: 4000\n"));
        assert_eq!(read("imageDetail.json"), format!("{{\"ImageURI\":\"{uri}\"}}"));
    }

    /// The variables of the stacks' build project and Build action, so that a renamed one is found here.
    #[test]
    fn the_stacks_give_the_variables_that_the_templates_name() {
        let stacks = ["build", "pipeline"].map(|stack| {
            fs::read_to_string(root().join("infra/stacks").join(stack).with_extension("yml")).unwrap()
        });
        let project = Project::load(root()).unwrap();
        for file in files(&project).iter().filter(|file| file.path != BUILDSPEC) {
            let names =
                file.text.split("${").skip(1).filter_map(|piece| piece.split_once('}')).map(|(name, _)| name);
            for name in names.filter(|name| !name.starts_with("APP_") && *name != "AWS_REGION") {
                let declared = [format!("Name: {name}\n"), format!("\"name\":\"{name}\"")];
                let given = stacks.iter().any(|stack| declared.iter().any(|text| stack.contains(text)));
                assert!(given, "`{name}` of {} is given by neither build.yml nor pipeline.yml", file.path);
            }
        }
    }
}
