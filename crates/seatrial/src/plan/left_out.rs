//! Stacks that an environment leaves out, and what then stands for them.

use seatrial_project::{Environment, Project};
use seatrial_template::{Diagnostic, Position};

use super::STACKS_FOLDER;
use super::template::StackTemplate;
use super::wiring::Wiring;

/// The stack of the database.
const DATABASE: &str = "database";
/// What it takes if a stack has it: an application may do without a database.
pub(super) const TASK_DEFINITION_WISHES: [&str; 5] =
    ["DatabaseEndpointAddress", "DatabaseName", "DatabasePort", "DatabaseSecretArn", "DatabaseUser"];

/// Whoever has a database of his own says where: without the key `database: none` nobody means to have none.
pub(super) fn unnamed_database(
    wiring: &Wiring<'_>,
    environment: &Environment,
    service: &StackTemplate,
) -> Vec<Diagnostic> {
    if !environment.skip.contains(DATABASE) || environment.database.is_none() {
        return Vec::new();
    }
    let unfilled = TASK_DEFINITION_WISHES.iter().filter(|name| {
        // An ambiguous one is told elsewhere.
        matches!(wiring.source_of_need(DATABASE, name), Ok(None))
    });
    unfilled
        .map(|name| {
            let message = format!(
                "parameter `{name}` has no value: stack `{DATABASE}` is left out; give it in `parameters`, or \
                 say `database: none`"
            );
            service.fault(Position { line: 1, column: 1 }, message)
        })
        .collect()
}

pub(super) fn unknown_skips(
    templates: &[StackTemplate],
    project: &Project,
    environment: &Environment,
) -> Vec<Diagnostic> {
    let unknown =
        environment.skip.iter().filter(|skip| !templates.iter().any(|template| template.name == **skip));
    unknown
        .map(|skip| {
            let path = ["environments", environment.name.as_str(), "skip"];
            let message =
                format!("`{}` must name stacks of `{STACKS_FOLDER}`, found `{skip}`", path.join("."));
            project.diagnostic(&path, message)
        })
        .collect()
}
