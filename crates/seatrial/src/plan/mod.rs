//! The stacks: their templates, the order in which they are made, and what may not be done to them.
//!
//! Pure: reads `infra/stacks`, calls nobody. Every fault of a template or of the wiring is found here, before
//! any call to AWS.

pub(crate) mod breaking;
pub(crate) mod critical_path;
mod dependencies;
pub(crate) mod difference;
pub(crate) mod given;
pub(crate) mod graph;
pub(crate) mod guard;
pub(crate) mod import;
mod left_out;
pub(crate) mod limits;
mod mermaid;
pub(crate) mod node;
pub(crate) mod owned;
mod picture;
pub(crate) mod protection;
mod references;
mod render;
pub(crate) mod resolved;
pub(crate) mod resource_name;
pub(crate) mod template;
pub(crate) mod traffic;
mod wiring;

pub(crate) use render::GraphView;

use std::{fmt, io, path::Path};

pub(crate) use seatrial_project::STACKS_FOLDER;
use seatrial_project::{TEMPLATE_ENDINGS, is_name};
use seatrial_template::{Diagnostic, Position};

use self::template::StackTemplate;

const TOP: Position = Position { line: 1, column: 1 };

/// Why the templates make no plan. Exit 3: nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StacksError {
    #[error("failed to read `{path}`")]
    Unreadable {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("no templates in `{STACKS_FOLDER}`, expected files such as `network.yml`")]
    Empty,
    #[error("{0}")]
    Invalid(Faults),
}

/// Everything that is wrong, one line each; never empty.
#[derive(Debug)]
pub(crate) struct Faults(pub(crate) Vec<Diagnostic>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl From<Diagnostic> for StacksError {
    fn from(fault: Diagnostic) -> Self {
        Self::Invalid(Faults(vec![fault]))
    }
}

/// Reads every template in [`STACKS_FOLDER`] under `root`, by name. The file's name without its ending is the
/// stack's; other files and hidden ones are no templates.
pub(crate) fn load(root: &Path) -> Result<Vec<StackTemplate>, StacksError> {
    let unreadable = |path: &str| {
        let path = path.to_owned();
        move |source| StacksError::Unreadable { path, source }
    };
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(root.join(STACKS_FOLDER)).map_err(unreadable(STACKS_FOLDER))? {
        let file = entry.map_err(unreadable(STACKS_FOLDER))?.file_name().to_string_lossy().into_owned();
        let Some((_, ending)) = file.rsplit_once('.').filter(|_| !file.starts_with('.')) else { continue };
        match TEMPLATE_ENDINGS.iter().find(|known| ending.eq_ignore_ascii_case(known)) {
            Some(known) if *known == ending => files.push(file),
            // Passed over, its stack would be missed only when something needs it.
            Some(known) => {
                let message = format!("a template's name ends with `.{known}`, found `.{ending}`");
                faults.push(Diagnostic::new(&format!("{STACKS_FOLDER}/{file}"), TOP, message));
            }
            None => {}
        }
    }
    files.sort();
    let mut templates: Vec<StackTemplate> = Vec::new();
    for file in files {
        let path = format!("{STACKS_FOLDER}/{file}");
        let text = std::fs::read(root.join(&path)).map_err(unreadable(&path))?;
        let name = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
        match checked(name, &path, &text, &templates) {
            Ok(template) => templates.push(template),
            Err(fault) => faults.push(fault),
        }
    }
    match (faults.is_empty(), templates.is_empty()) {
        (false, _) => Err(StacksError::Invalid(Faults(faults))),
        (true, true) => Err(StacksError::Empty),
        (true, false) => Ok(templates),
    }
}

fn checked(
    name: &str,
    path: &str,
    text: &[u8],
    others: &[StackTemplate],
) -> Result<StackTemplate, Diagnostic> {
    if !is_name(name) {
        let message = format!("the file's name must be lower-case words joined by hyphens, found `{name}`");
        return Err(Diagnostic::new(path, TOP, message));
    }
    if let Some(other) = others.iter().find(|other| other.name == name) {
        let message = format!("stack `{name}` has two templates, the other is `{}`", other.path);
        return Err(Diagnostic::new(path, TOP, message));
    }
    template::parse(name, path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_files(files: &[(&str, &str)]) -> Result<Vec<StackTemplate>, String> {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join(STACKS_FOLDER)).unwrap();
        for (name, text) in files {
            std::fs::write(root.path().join(STACKS_FOLDER).join(name), text).unwrap();
        }
        load(root.path()).map_err(|error| error.to_string())
    }

    const BUCKET: &str = "Resources: {Bucket: {Type: AWS::S3::Bucket}}";

    #[test]
    fn templates_are_found_by_their_ending() {
        let files = [
            ("b.yml", BUCKET),
            ("a.json", BUCKET),
            ("c.template", BUCKET),
            ("d.yaml", BUCKET),
            ("README.md", "#"),
            (".yml", "x"),
            (".c.yml", "x"),
        ];
        let names: Vec<String> =
            load_files(&files).unwrap().into_iter().map(|template| template.name).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_template_whose_ending_is_spelled_otherwise_is_not_passed_over() {
        let error =
            load_files(&[("a.yml", BUCKET), ("extra.YML", BUCKET), ("other.Template", BUCKET)]).unwrap_err();
        let mut told: Vec<&str> = error.lines().collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                "infra/stacks/extra.YML:1:1: a template's name ends with `.yml`, found `.YML`",
                "infra/stacks/other.Template:1:1: a template's name ends with `.template`, found `.Template`",
            ]
        );
    }

    #[test]
    fn all_broken_files_are_told_at_once() {
        let error =
            load_files(&[("A.yml", BUCKET), ("b.yml", "a: ["), ("c.json", BUCKET), ("c.yml", BUCKET)]);
        let expected = "infra/stacks/A.yml:1:1: the file's name must be lower-case words joined by hyphens, found `A`\n\
            infra/stacks/b.yml:2:1: this is not valid YAML: while parsing a node, did not find expected node content\n\
            infra/stacks/c.yml:1:1: stack `c` has two templates, the other is `infra/stacks/c.json`";
        assert_eq!(error.unwrap_err(), expected);
    }

    #[test]
    fn a_missing_or_empty_folder_is_told() {
        assert!(load_files(&[]).unwrap_err().starts_with("no templates in `infra/stacks`"));
        assert!(matches!(load(Path::new("/nonexistent")), Err(StacksError::Unreadable { .. })));
    }

    #[test]
    fn the_templates_of_this_repository_load() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let templates = load(root).unwrap();
        let stacks = ["connection", "network", "security-groups", "database", "registry", "cluster", "build"];
        let more = ["load-balancer", "service", "deployment", "pipeline"];
        for name in stacks.iter().chain(&more) {
            assert!(templates.iter().any(|template| template.name == *name), "{name} is missing");
        }
    }
}
