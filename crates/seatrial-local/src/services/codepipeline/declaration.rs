//! A pipeline's structure as its model has it, and the checks AWS makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ServiceError;

/// What GetPipeline answers and CreatePipeline takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Declaration {
    pub name: String,
    pub role_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_store: Option<ArtifactStore>,
    pub stages: Vec<Stage>,
    #[serde(default)]
    pub version: u64,
    /// `SUPERSEDED` (AWS's default) or `QUEUED`; `PARALLEL` is refused.
    #[serde(default = "superseded")]
    pub execution_mode: String,
    /// `V1` is AWS's default: it has neither queued executions nor variables.
    #[serde(default = "first_type")]
    pub pipeline_type: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableDeclaration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Value>,
}

fn superseded() -> String {
    "SUPERSEDED".to_owned()
}

fn first_type() -> String {
    "V1".to_owned()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ArtifactStore {
    #[serde(rename = "type")]
    pub kind: String,
    /// The bucket.
    pub location: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VariableDeclaration {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stage {
    pub name: String,
    pub actions: Vec<Action>,
    /// Conditions, and what happens by itself after a stage: refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_entry: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Action {
    pub name: String,
    pub action_type_id: ActionType,
    #[serde(default = "first")]
    pub run_order: u64,
    #[serde(default)]
    pub configuration: BTreeMap<String, String>,
    #[serde(default)]
    pub input_artifacts: Vec<ArtifactName>,
    #[serde(default)]
    pub output_artifacts: Vec<ArtifactName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

fn first() -> u64 {
    1
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActionType {
    pub category: String,
    pub owner: String,
    pub provider: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ArtifactName {
    pub name: String,
}

/// The actions this local cloud runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Source,
    Build,
    Deploy,
}

impl ActionType {
    pub fn provider(&self) -> Option<Provider> {
        match (self.category.as_str(), self.provider.as_str()) {
            ("Source", "CodeStarSourceConnection") => Some(Provider::Source),
            ("Build" | "Test", "CodeBuild") => Some(Provider::Build),
            ("Deploy", "CodeDeployToECS") => Some(Provider::Deploy),
            _ => None,
        }
    }
}

/// AWS's limit of one value of an action's configuration, before variables are filled in.
const LONGEST_VALUE: usize = 1000;

fn structure(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidStructureException", message)
}

fn faulty_action(message: String) -> ServiceError {
    ServiceError::new("InvalidActionDeclarationException", message)
}

impl Declaration {
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    pub fn check(&self) -> Result<(), ServiceError> {
        if self.name.is_empty() || self.name.len() > 100 {
            return Err(structure("a pipeline's name must have 1 to 100 characters"));
        }
        if self.stages.len() < 2 {
            return Err(structure("Pipeline should contain at least two stages"));
        }
        if self.artifact_store.is_none() {
            return Err(structure("Pipeline must have an artifactStore"));
        }
        if self.pipeline_type != "V2" && (self.execution_mode != "SUPERSEDED" || !self.variables.is_empty()) {
            return Err(structure(
                "Execution mode and pipeline variables are features of pipelines of type V2 only",
            ));
        }
        if !["QUEUED", "SUPERSEDED"].contains(&self.execution_mode.as_str()) {
            return Err(structure(format!(
                "Execution mode {} is not available in the local cloud: QUEUED and SUPERSEDED are",
                self.execution_mode
            )));
        }
        let mut made: Vec<&str> = Vec::new();
        for (index, stage) in self.stages.iter().enumerate() {
            if self.stages[..index].iter().any(|earlier| earlier.name == stage.name) {
                return Err(structure(format!("Duplicate stage name `{}`", stage.name)));
            }
            if stage.actions.is_empty() {
                return Err(structure(format!("Stage `{}` must have at least one action", stage.name)));
            }
            let unmeant = [
                ("beforeEntry", &stage.before_entry),
                ("onSuccess", &stage.on_success),
                ("onFailure", &stage.on_failure),
            ];
            if let Some((key, _)) = unmeant.into_iter().find(|(_, value)| value.is_some()) {
                return Err(structure(format!(
                    "{key} of stage `{}` is not available in the local cloud: nothing happens by itself before or after \
                     a stage",
                    stage.name
                )));
            }
            let of_source = |action: &Action| action.action_type_id.category == "Source";
            if stage.actions.iter().any(|action| of_source(action) != (index == 0)) {
                return Err(structure(format!(
                    "Pipeline has Source actions in stage `{}`: only the first stage may have them, and no others",
                    stage.name
                )));
            }
            check_actions(stage, &mut made)?;
        }
        Ok(())
    }
}

/// `made`: the artifacts that actions before this stage put out.
fn check_actions<'a>(stage: &'a Stage, made: &mut Vec<&'a str>) -> Result<(), ServiceError> {
    let mut actions: Vec<_> = stage.actions.iter().collect();
    actions.sort_by_key(|action| action.run_order);
    for action in actions {
        let ActionType { category, owner, provider, version } = &action.action_type_id;
        if action.action_type_id.provider().is_none() {
            return Err(faulty_action(format!(
                "ActionType (Category: '{category}', Provider: '{provider}', Owner: '{owner}', Version: '{version}') \
                 in action '{}' is not available in the local cloud",
                action.name
            )));
        }
        if let Some((key, value)) =
            action.configuration.iter().find(|(_, value)| value.chars().count() > LONGEST_VALUE)
        {
            return Err(ServiceError::new(
                "ValidationException",
                format!(
                    "Value at 'pipeline.stages.{}.actions.{}.configuration.{key}' failed to satisfy constraint: Map \
                     value must satisfy constraint: [Member must have length less than or equal to {LONGEST_VALUE}, \
                     it has {}]",
                    stage.name,
                    action.name,
                    value.chars().count()
                ),
            ));
        }
        if let Some(missing) =
            action.input_artifacts.iter().find(|input| !made.contains(&input.name.as_str()))
        {
            return Err(structure(format!(
                "Input Artifact Bundle {} in action {} is not declared as Output Artifact Bundle in any of the \
                 preceding actions",
                missing.name, action.name
            )));
        }
        check_configuration(action)?;
        made.extend(action.output_artifacts.iter().map(|output| output.name.as_str()));
    }
    Ok(())
}

fn check_configuration(action: &Action) -> Result<(), ServiceError> {
    let required: &[&str] = match action.action_type_id.provider() {
        Some(Provider::Source) => &["ConnectionArn", "FullRepositoryId", "BranchName"],
        Some(Provider::Build) => &["ProjectName"],
        Some(Provider::Deploy) => &[
            "ApplicationName",
            "DeploymentGroupName",
            "TaskDefinitionTemplateArtifact",
            "AppSpecTemplateArtifact",
        ],
        None => &[],
    };
    if let Some(key) = required.iter().find(|key| !action.configuration.contains_key(**key)) {
        return Err(faulty_action(format!(
            "Action configuration for action '{}' is missing required configuration '{key}'",
            action.name
        )));
    }
    if action.action_type_id.provider() == Some(Provider::Build) {
        check_sources(action)?;
    }
    let names_artifact = |key: &str| key.ends_with("Artifact") || key.ends_with("ArtifactName");
    for (key, value) in &action.configuration {
        let known = action.input_artifacts.iter().any(|input| input.name == *value);
        if action.action_type_id.provider() == Some(Provider::Deploy) && names_artifact(key) && !known {
            return Err(faulty_action(format!(
                "Action configuration '{key}' of action '{}' names '{value}', which is no input artifact of it",
                action.name
            )));
        }
    }
    Ok(())
}

/// A build takes one to five artifacts, and must be told which of several holds its buildspec (CodePipeline, action
/// reference of CodeBuild).
fn check_sources(action: &Action) -> Result<(), ServiceError> {
    let (inputs, name) = (&action.input_artifacts, &action.name);
    if !(1..=5).contains(&inputs.len()) {
        return Err(structure(format!(
            "Action '{name}' has {} input artifacts: a CodeBuild action takes at least 1 and at most 5",
            inputs.len()
        )));
    }
    let primary = action.configuration.get("PrimarySource");
    match primary {
        None if inputs.len() > 1 => Err(faulty_action(format!(
            "Action configuration for action '{name}' is missing required configuration 'PrimarySource'"
        ))),
        Some(primary) if !inputs.iter().any(|input| input.name == *primary) => Err(faulty_action(format!(
            "Action configuration 'PrimarySource' of action '{name}' names '{primary}', which is no input artifact of it"
        ))),
        _ => Ok(()),
    }
}
