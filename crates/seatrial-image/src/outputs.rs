//! Outputs of the environment's stacks that the project names for variables of its application: as they are when it is
//! built, so that a stack which changes needs a release and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aws_config::SdkConfig;
use seatrial_project::render::{Variables, output_key};
use seatrial_project::{Environment, PROJECT_FILE, STACKS_FOLDER, TEMPLATE_ENDINGS};
use seatrial_query::{Place, Protocol, Service, call, elements, form, words};

use crate::error::ImageError;

const CLOUDFORMATION: Service = Service {
    name: "CloudFormation",
    signing_name: "cloudformation",
    protocol: Protocol::Query { version: "2010-05-15" },
    place: Place::Regional,
};

/// The outputs that `environment` names, each under its [`output_key`].
///
/// # Errors
/// Refused where no template has such an output, or several have; a stack that cannot be read or has none of the name.
pub(crate) async fn read(
    workspace: &Path,
    environment: &Environment,
    config: &SdkConfig,
) -> Result<Variables, ImageError> {
    let mut found = Variables::new();
    let mut stacks = BTreeMap::new();
    for output in environment.app.outputs.values() {
        // What stands for the output of a stack that is left out.
        if let Some(given) = environment.parameters.get(output) {
            found.insert(output_key(output), given.clone());
            continue;
        }
        let stack = environment.stack_name(&owner(workspace, environment, output)?);
        if !stacks.contains_key(&stack) {
            stacks.insert(stack.clone(), outputs(config, &stack).await?);
        }
        let value = stacks.get(&stack).and_then(|outputs| outputs.get(output)).ok_or_else(|| {
            let refused = ImageError::refused(format!("stack `{stack}` has no output `{output}` now"));
            refused.with_hint("`provision` brings the stacks in step with the templates")
        })?;
        found.insert(output_key(output), value.clone());
    }
    Ok(found)
}

/// The stack whose template has this output.
fn owner(workspace: &Path, environment: &Environment, output: &str) -> Result<String, ImageError> {
    let unreadable = |error| ImageError::failed(format!("read `{STACKS_FOLDER}`"), error);
    let mut owners = Vec::new();
    for entry in fs::read_dir(workspace.join(STACKS_FOLDER)).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') || !TEMPLATE_ENDINGS.contains(&ending) || environment.leaves_out(name) {
            continue;
        }
        let text = fs::read(&path).map_err(unreadable)?;
        let template = seatrial_template::parse(&format!("{STACKS_FOLDER}/{name}.{ending}"), &text)
            .map_err(|fault| ImageError::refused(fault.to_string()))?;
        if template.root.find(&["Outputs", output]).is_some() {
            owners.push(name.to_owned());
        }
    }
    owners.sort();
    match &owners[..] {
        [one] => Ok(one.clone()),
        [] => Err(ImageError::refused(format!(
            "`app.environment` in `{PROJECT_FILE}` names output `{output}`, which no template in `{STACKS_FOLDER}` has"
        ))),
        several => Err(ImageError::refused(format!(
            "`app.environment` in `{PROJECT_FILE}` names output `{output}`, which several stacks have: `{}`",
            several.join("`, `")
        ))),
    }
}

async fn outputs(config: &SdkConfig, stack: &str) -> Result<BTreeMap<String, String>, ImageError> {
    let input = form(&[("StackName", stack)]);
    let answer = call(config, &CLOUDFORMATION, ("DescribeStacks", input), None).await;
    let answer =
        answer.map_err(|error| ImageError::failed(format!("read stack `{stack}`"), words(&error).1))?;
    let output = |members: &Vec<(String, String)>| {
        let of = |name: &str| members.iter().find(|(member, _)| member == name).map(|(_, text)| text.clone());
        Some((of("OutputKey")?, of("OutputValue")?))
    };
    // Lists of other things have members, too, with other names.
    Ok(elements(&answer, "member").iter().filter_map(output).collect())
}

#[cfg(test)]
mod tests {
    use seatrial_project::Project;

    use super::*;

    #[test]
    fn an_output_belongs_to_the_one_template_that_has_it_and_is_no_guess() {
        let dir = tempfile::tempdir().unwrap();
        let stacks = dir.path().join(STACKS_FOLDER);
        fs::create_dir_all(&stacks).unwrap();
        let with = |name: &str, outputs: &str| {
            let text = format!("Resources: {{A: {{Type: AWS::SQS::Queue}}}}\nOutputs: {{{outputs}}}\n");
            fs::write(stacks.join(name), text).unwrap();
        };
        with("queue.yml", "QueueUrl: {Value: !Ref A}, Both: {Value: x}");
        with("topic.template", "Both: {Value: x}");
        with("network.yaml", "QueueUrl: {Value: x}");
        with("README.md", "Other: {Value: x}");
        let text = "project: web\nsource: {repository: o/n}\nenvironments: {local: {skip: [network]}}\n";
        let project = Project::parse(text.as_bytes()).unwrap();
        let environment = project.environment(None).unwrap();
        let of = |output: &str| owner(dir.path(), environment, output).map_err(|error| error.to_string());

        assert_eq!(of("QueueUrl").unwrap(), "queue");
        assert!(of("Both").unwrap_err().contains("several stacks have: `queue`, `topic`"));
        assert!(of("Other").unwrap_err().contains("names output `Other`, which no template"));
    }
}
