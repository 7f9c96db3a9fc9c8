//! Renders `.aws/taskdef.json` and `.aws/appspec.yaml` for one environment: the function that the pipeline's build,
//! `build-image` and `provision` share.
//!
//! The templates serve all environments and name only what every task gets. `${NAME}` is filled from the project
//! and from what the stacks give; then the environment's own variables and secrets are added, as they were typed:
//! nothing looks for placeholders in them. `<IMAGE1_NAME>` and `<TASK_DEFINITION>` stay: CodePipeline's deploy
//! action replaces them (CodeDeployToECS action reference), and takes the image's address from `imageDetail.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    Environment,
    app_spec::AppSpec,
    generate::{APPSPEC, TASKDEF},
    task_definition::{CONTAINER, Container, Secret, TaskDefinition, Variable},
};

/// What tells the application its database.
const OF_THE_DATABASE: [&str; 5] = ["DB_HOST", "DB_NAME", "DB_PASSWORD", "DB_PORT", "DB_USER"];

/// Values of placeholders, by name. An empty value is a value.
pub type Variables = BTreeMap<String, String>;

/// Why a template cannot be rendered. Exit 3: nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template is not there.
    #[error("failed to read `{path}`")]
    Unreadable {
        /// From the root of the checkout.
        path: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A template is not what `generate` writes, or a value is not what it is put in for.
    #[error("`{path}` must be as `generate` writes it")]
    Invalid {
        /// From the root of the checkout.
        path: &'static str,
        /// The member and the rule.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Neither the project nor the stacks give a value.
    #[error("`{path}` needs a value for `{}`", .names.join("`, `"))]
    Missing {
        /// From the root of the checkout.
        path: &'static str,
        /// The placeholders' names, in the order of the file.
        names: Vec<String>,
    },
}

impl RenderError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } | Self::Invalid { .. } => {
                "run `cargo xtask generate` and commit what it writes"
            }
            Self::Missing { .. } => {
                "the stacks give it to the build; `infra/project.yml` may give it by `app.environment`"
            }
        }
    }
}

/// One file for CodePipeline's deploy action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The file's name in the artifact.
    pub name: &'static str,
    /// All of it.
    pub text: String,
}

/// `taskdef.json`, `appspec.yaml` and `imageDetail.json` for `environment`, from the templates below `root`. `given`
/// is what only the stacks know.
///
/// # Errors
/// A template that cannot be read or is not one of ours, and placeholders without a value.
pub fn artifacts(
    root: &Path,
    environment: &Environment,
    given: &Variables,
    image_uri: &str,
) -> Result<[Artifact; 3], RenderError> {
    let definition = task_definition(root, environment, given)?.to_json();
    let definition = definition.map_err(|error| invalid(TASKDEF, error))?;
    let app_spec = render_app_spec(&read(root, APPSPEC)?, environment, given)?;
    Ok([
        Artifact { name: "taskdef.json", text: definition },
        Artifact { name: "appspec.yaml", text: app_spec },
        Artifact { name: "imageDetail.json", text: json!({ "ImageURI": image_uri }).to_string() },
    ])
}

/// The task definition of `environment`, its image still the placeholder, from the template below `root`.
///
/// # Errors
/// As for [`artifacts`].
pub fn task_definition(
    root: &Path,
    environment: &Environment,
    given: &Variables,
) -> Result<TaskDefinition, RenderError> {
    render_task_definition(&read(root, TASKDEF)?, environment, given)
}

fn render_task_definition(
    template: &str,
    environment: &Environment,
    given: &Variables,
) -> Result<TaskDefinition, RenderError> {
    let mut definition: TaskDefinition =
        serde_json::from_str(template).map_err(|error| invalid(TASKDEF, error))?;
    // Before anything is filled: what is replaced needs no value.
    let mut own: BTreeSet<&str> = environment.app.environment.keys().map(String::as_str).collect();
    own.extend(environment.app.secrets.keys().map(String::as_str));
    own.extend(environment.app.outputs.keys().map(String::as_str));
    if environment.database.is_none() {
        own.extend(OF_THE_DATABASE);
    }
    container(&mut definition)?.remove(&own);
    let mut definition = fill(TASKDEF, &definition, &known(environment, given))?;
    let outputs = outputs(environment, given)?;
    container(&mut definition)?.add(environment, outputs);
    Ok(definition)
}

fn render_app_spec(
    template: &str,
    environment: &Environment,
    given: &Variables,
) -> Result<String, RenderError> {
    let app_spec: AppSpec = serde_yaml::from_str(template).map_err(|error| invalid(APPSPEC, error))?;
    let app_spec = fill(APPSPEC, &app_spec, &known(environment, given))?;
    serde_yaml::to_string(&app_spec).map_err(|error| invalid(APPSPEC, error))
}

fn read(root: &Path, path: &'static str) -> Result<String, RenderError> {
    fs::read_to_string(root.join(path)).map_err(|source| RenderError::Unreadable { path, source })
}

fn invalid(path: &'static str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> RenderError {
    RenderError::Invalid { path, source: error.into() }
}

/// The container that gets the traffic, and the environment's variables with it.
fn container(definition: &mut TaskDefinition) -> Result<&mut Container, RenderError> {
    let found = definition.container_definitions.iter_mut().find(|container| container.name == CONTAINER);
    found.ok_or_else(|| invalid(TASKDEF, format!("it has no container `{CONTAINER}`")))
}

impl Container {
    /// Takes out what has one of these names: ECS refuses a name that is there twice.
    fn remove(&mut self, names: &BTreeSet<&str>) {
        self.environment.retain(|variable| !names.contains(variable.name.as_str()));
        self.secrets.retain(|secret| !names.contains(secret.name.as_str()));
    }

    fn add(&mut self, environment: &Environment, outputs: Vec<Variable>) {
        let variables = environment.app.environment.iter();
        let variables = variables.map(|(name, value)| Variable { name: name.clone(), value: value.clone() });
        self.environment.extend(variables);
        self.environment.extend(outputs);
        let secrets = environment.app.secrets.iter();
        let secrets = secrets.map(|(name, arn)| Secret { name: name.clone(), value_from: arn.clone() });
        self.secrets.extend(secrets);
        self.readonly_root_filesystem = Some(environment.app.is_read_only);
    }
}

/// The name among [`Variables`] under which a stack's output is given: no variable of a process can have it.
pub fn output_key(output: &str) -> String {
    format!("output {output}")
}

/// The variables whose values are outputs of stacks.
fn outputs(environment: &Environment, given: &Variables) -> Result<Vec<Variable>, RenderError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (name, output) in &environment.app.outputs {
        match given.get(&output_key(output)) {
            Some(value) => found.push(Variable { name: name.clone(), value: value.clone() }),
            None => missing.push(output_key(output)),
        }
    }
    match missing.is_empty() {
        true => Ok(found),
        false => Err(RenderError::Missing { path: TASKDEF, names: missing }),
    }
}

/// What placeholders are filled with. The project wins: a variable that happens to be in the build's environment
/// says nothing about it.
fn known(environment: &Environment, given: &Variables) -> Variables {
    let app = &environment.app;
    let facts = [
        ("PROJECT_NAME", environment.project.clone()),
        ("ENVIRONMENT_NAME", environment.name.clone()),
        ("APP_PORT", app.port.to_string()),
        ("APP_CPU", app.cpu.to_string()),
        ("APP_MEMORY", app.memory.to_string()),
        ("APP_CPU_ARCHITECTURE", app.architecture.ecs().to_owned()),
    ];
    let mut known = given.clone();
    known.extend(facts.map(|(name, value)| (name.to_owned(), value)));
    known
}

/// The same value with every placeholder filled.
fn fill<T: Serialize + DeserializeOwned>(
    path: &'static str,
    template: &T,
    variables: &Variables,
) -> Result<T, RenderError> {
    let mut value = serde_json::to_value(template).map_err(|error| invalid(path, error))?;
    let mut missing = Vec::new();
    each_text(&mut value, &mut |text| {
        *text = substitute(text, |name| {
            let value = variables.get(name);
            if value.is_none() && !missing.iter().any(|missing| missing == name) {
                missing.push(name.to_owned());
            }
            value.cloned().unwrap_or_default()
        });
    });
    if !missing.is_empty() {
        return Err(RenderError::Missing { path, names: missing });
    }
    serde_json::from_value(value).map_err(|error| invalid(path, error))
}

fn each_text(value: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, visit)),
        Value::Object(members) => members.values_mut().for_each(|member| each_text(member, visit)),
        _ => {}
    }
}

/// Replaces each `${NAME}` once; what a value contains is never looked at again.
fn substitute(text: &str, mut value: impl FnMut(&str) -> String) -> String {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, behind)) if is_name(name) => {
                filled.push_str(&value(name));
                rest = behind;
            }
            _ => {
                filled.push_str("${");
                rest = after;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests;
