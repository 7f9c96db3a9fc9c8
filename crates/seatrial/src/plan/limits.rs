//! CloudFormation's limits that depend on more than one template: the names of stacks, and what cannot be sent in a
//! request (quotas of the CloudFormation user guide).

use seatrial_project::Environment;
use seatrial_template::{Diagnostic, Position};

use super::template::StackTemplate;
use super::wiring::{Source, Wiring};

/// The longest name of a stack, in characters.
const MAXIMUM_NAME: usize = 128;
/// The largest template that is sent in a request, in bytes; a larger one is read from a bucket.
pub(crate) const MAXIMUM_BODY: usize = 51_200;
/// Through which larger templates are sent.
pub(super) const BUCKET: &str = "ArtifactBucketName";

const TOP: Position = Position { line: 1, column: 1 };

/// Stacks whose names AWS would refuse.
pub(super) fn long_names(templates: &[StackTemplate], environment: &Environment) -> Vec<Diagnostic> {
    let too_long = |template: &&StackTemplate| environment.stack_name(&template.name).len() > MAXIMUM_NAME;
    let fault = |template: &StackTemplate| {
        let name = environment.stack_name(&template.name);
        let message = format!(
            "a stack's name must have at most {MAXIMUM_NAME} characters, found {}: `{name}`",
            name.len()
        );
        template.fault(TOP, message)
    };
    templates.iter().filter(too_long).map(fault).collect()
}

/// Every stack whose template is too large for a request, and the stack with the bucket that it is read from.
pub(super) fn bucket_makers(
    wiring: &Wiring<'_>,
    templates: &[StackTemplate],
) -> (Vec<(String, String)>, Vec<Diagnostic>) {
    let mut makers = Vec::new();
    let mut faults = Vec::new();
    for template in templates.iter().filter(|template| is_large(template)) {
        let bytes = template.text.len();
        let refuse = |why: &str| {
            let message = format!(
                "a template of more than {MAXIMUM_BODY} bytes is sent through the artifact bucket, {why}; found {bytes}"
            );
            template.fault(TOP, message)
        };
        match wiring.source_of_need(&template.name, BUCKET) {
            Ok(Some(Source::Output { stack, .. })) if stack == template.name => {
                faults.push(refuse("which this stack makes: move other resources to another"));
            }
            Ok(Some(Source::Output { stack, .. })) => makers.push((template.name.clone(), stack)),
            Ok(Some(_)) => {}
            Ok(None) => faults.push(refuse(&format!("and no stack has an output `{BUCKET}`"))),
            Err(fault) => faults.push(fault),
        }
    }
    (makers, faults)
}

pub(super) fn is_large(template: &StackTemplate) -> bool {
    template.text.len() > MAXIMUM_BODY
}
