//! The checks of a pipeline's structure: AWS's own, and what this local cloud does not do.

use super::declaration::{Action, ActionType, Declaration, Provider, Stage, Unmeant};
use crate::error::ServiceError;

/// AWS's limit of one value of an action's configuration, before variables are filled in.
const LONGEST_VALUE: usize = 1000;

fn structure(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidStructureException", message)
}

fn faulty_action(message: String) -> ServiceError {
    ServiceError::new("InvalidActionDeclarationException", message)
}

impl Declaration {
    /// `region`: the one that the pipeline is in.
    pub fn check(&self, region: &str) -> Result<(), ServiceError> {
        if self.name.is_empty() || self.name.len() > 100 {
            return Err(structure("a pipeline's name must have 1 to 100 characters"));
        }
        no_unmeant(&self.unmeant, || format!("pipeline `{}`", self.name))?;
        for variable in &self.variables {
            no_unmeant(&variable.unmeant, || format!("variable `{}`", variable.name))?;
        }
        if self.stages.len() < 2 {
            return Err(structure("Pipeline should contain at least two stages"));
        }
        let store = self.artifact_store.as_ref();
        let store = store.ok_or_else(|| structure("Pipeline must have an artifactStore"))?;
        no_unmeant(&store.unmeant, || "the artifactStore".to_owned())?;
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
            no_unmeant(&stage.unmeant, || format!("stage `{}`", stage.name))?;
            let of_source = |action: &Action| action.action_type_id.category == "Source";
            if stage.actions.iter().any(|action| of_source(action) != (index == 0)) {
                return Err(structure(format!(
                    "Pipeline has Source actions in stage `{}`: only the first stage may have them, and no others",
                    stage.name
                )));
            }
            check_actions(stage, region, &mut made)?;
        }
        Ok(())
    }
}

fn no_unmeant(members: &Unmeant, owner: impl FnOnce() -> String) -> Result<(), ServiceError> {
    match members.keys().next() {
        None => Ok(()),
        Some(key) => Err(structure(format!("{key} of {} is not available in the local cloud", owner()))),
    }
}

/// `made`: the artifacts that actions before this stage put out.
fn check_actions<'a>(stage: &'a Stage, region: &str, made: &mut Vec<&'a str>) -> Result<(), ServiceError> {
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
        check_members(action, region)?;
        check_configuration(action)?;
        made.extend(action.output_artifacts.iter().map(|output| output.name.as_str()));
    }
    Ok(())
}

/// What an action asks for that it does not get here, or not from AWS either.
fn check_members(action: &Action, region: &str) -> Result<(), ServiceError> {
    let name = &action.name;
    if action.unmeant.contains_key("timeoutInMinutes") {
        // The API reference's ActionDeclaration; a manual approval is refused before as a type of action.
        return Err(faulty_action(format!(
            "timeoutInMinutes of action '{name}' is available only to the manual approval action type"
        )));
    }
    no_unmeant(&action.unmeant, || format!("action `{name}`"))?;
    for artifact in action.input_artifacts.iter().chain(&action.output_artifacts) {
        no_unmeant(&artifact.unmeant, || format!("artifact `{}` of action `{name}`", artifact.name))?;
    }
    if let Some(other) = action.region.as_deref().filter(|other| *other != region) {
        return Err(structure(format!(
            "region {other} of action `{name}` is not available in the local cloud: it is {region} alone"
        )));
    }
    if action.action_type_id.provider() == Some(Provider::Deploy) && !action.output_artifacts.is_empty() {
        return Err(faulty_action(format!(
            "Action {name} declares {} output artifacts which is more than the maximum count (0)",
            action.output_artifacts.len()
        )));
    }
    Ok(())
}

/// The keys that each action of AWS has (CodePipeline user guide, action structure reference), and whether it needs
/// them. An action here acts on all of these but those that [`unmeant_value`] knows.
fn keys(provider: Provider) -> &'static [(&'static str, bool)] {
    match provider {
        Provider::Source => &[
            ("ConnectionArn", true),
            ("FullRepositoryId", true),
            ("BranchName", true),
            ("OutputArtifactFormat", false),
            ("DetectChanges", false),
        ],
        Provider::Build => &[
            ("ProjectName", true),
            ("PrimarySource", false),
            ("BatchEnabled", false),
            ("BuildspecOverride", false),
            ("CombineArtifacts", false),
            ("EnvironmentVariables", false),
        ],
        Provider::Deploy => &[
            ("ApplicationName", true),
            ("DeploymentGroupName", true),
            ("TaskDefinitionTemplateArtifact", true),
            ("AppSpecTemplateArtifact", true),
            ("TaskDefinitionTemplatePath", false),
            ("AppSpecTemplatePath", false),
            ("Image1ArtifactName", false),
            ("Image1ContainerName", false),
            ("Image2ArtifactName", false),
            ("Image2ContainerName", false),
            ("Image3ArtifactName", false),
            ("Image3ContainerName", false),
            ("Image4ArtifactName", false),
            ("Image4ContainerName", false),
        ],
    }
}

/// Whether AWS would do something at this value that nothing here does.
fn unmeant_value(key: &str, value: &str) -> bool {
    match key {
        "OutputArtifactFormat" => value != "CODE_ZIP",
        "BatchEnabled" | "CombineArtifacts" => value != "false",
        "BuildspecOverride" => !value.is_empty(),
        _ => false,
    }
}

fn check_configuration(action: &Action) -> Result<(), ServiceError> {
    let name = &action.name;
    let keys = action.action_type_id.provider().map_or(&[][..], keys);
    for (key, value) in &action.configuration {
        if !keys.iter().any(|(known, _)| known == key) {
            return Err(faulty_action(format!(
                "Action configuration for action '{name}' contains unknown configuration '{key}'"
            )));
        }
        if unmeant_value(key, value) {
            return Err(faulty_action(format!(
                "{key} {value} in the configuration of action `{name}` is not available in the local cloud"
            )));
        }
    }
    let missing = |(key, needed): &&(&str, bool)| *needed && !action.configuration.contains_key(*key);
    if let Some((key, _)) = keys.iter().find(missing) {
        return Err(faulty_action(format!(
            "Action configuration for action '{name}' is missing required configuration '{key}'"
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
