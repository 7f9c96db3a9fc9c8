//! The names under which stacks' outputs fill placeholders of generated files.

use std::collections::BTreeMap;

use seatrial_project::render::{Variables, output_key};

/// What only the stacks can fill placeholders with: their outputs under the names that the build project and the
/// pipeline give them.
pub(crate) fn given_by_stacks(region: &str, outputs: &BTreeMap<String, String>) -> Variables {
    let mut variables = Variables::from([("AWS_REGION".to_owned(), region.to_owned())]);
    let names = [
        ("DB_HOST", "DatabaseEndpointAddress"),
        ("DB_NAME", "DatabaseName"),
        ("DB_PORT", "DatabasePort"),
        ("DB_SECRET_ARN", "DatabaseSecretArn"),
        ("DB_USER", "DatabaseUser"),
        ("EXECUTION_ROLE_ARN", "ExecutionRoleArn"),
        ("LOG_GROUP", "ApplicationLogGroupName"),
        ("TASK_ROLE_ARN", "TaskRoleArn"),
    ];
    for (variable, output) in names {
        variables.extend(outputs.get(output).map(|value| (variable.to_owned(), value.clone())));
    }
    // Of them the project may name any for a variable of its own.
    variables.extend(outputs.iter().map(|(output, value)| (output_key(output), value.clone())));
    variables
}
