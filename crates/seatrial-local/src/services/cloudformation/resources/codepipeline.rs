//! Resource types of CodePipeline.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Change, Created, Flag, Number, Resource, ResourceContext, ResourceTypes, Tag, answered,
    capitalized, told,
};
use crate::error::ServiceError;
use crate::services::codepipeline::{
    CreatePipeline, Declaration, DeletePipeline, DisableStageTransition, EnableStageTransition, GetPipeline,
    StartPipelineExecution, TagResource, UpdatePipeline,
};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Pipeline>();
}

struct Pipeline;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    name: Option<String>,
    role_arn: String,
    artifact_store: Option<Value>,
    artifact_stores: Option<Value>,
    stages: Vec<Value>,
    execution_mode: Option<String>,
    pipeline_type: Option<String>,
    variables: Option<Value>,
    triggers: Option<Value>,
    #[serde(default)]
    disable_inbound_stage_transitions: Vec<DisabledTransition>,
    restart_execution_on_update: Option<Flag>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct DisabledTransition {
    stage_name: String,
    reason: String,
}

impl Properties {
    fn declaration(&self, name: &str) -> Result<Declaration, ServiceError> {
        let stages = self.stages.iter().map(stage).collect::<Result<Vec<_>, _>>()?;
        let mut declaration = json!({
            "name": name,
            "roleArn": self.role_arn,
            "stages": stages,
            "version": 1,
        });
        let optional = [
            ("artifactStore", self.artifact_store.as_ref().map(lower_first)),
            ("artifactStores", self.artifact_stores.as_ref().map(lower_first)),
            ("executionMode", self.execution_mode.clone().map(Value::String)),
            ("pipelineType", self.pipeline_type.clone().map(Value::String)),
            ("variables", self.variables.as_ref().map(lower_first)),
            ("triggers", self.triggers.as_ref().map(lower_first)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                declaration[name] = value;
            }
        }
        serde_json::from_value(declaration).map_err(|error| invalid(&error))
    }
}

fn invalid(error: &dyn std::fmt::Display) -> ServiceError {
    ServiceError::new("InvalidRequest", format!("{error} of AWS::CodePipeline::Pipeline"))
}

/// A stage in the API's form. The keys of an action's configuration are names of their own and stay.
fn stage(stage: &Value) -> Result<Value, ServiceError> {
    let mut lowered = lower_first(stage);
    let given = stage.get("Actions").and_then(Value::as_array).into_iter().flatten();
    let actions = lowered.get_mut("actions").and_then(Value::as_array_mut).into_iter().flatten();
    for (given, action) in given.zip(actions) {
        if let Some(configuration) = given.get("Configuration") {
            action["configuration"] = texts(configuration)?;
        }
        if let Some(order) = given.get("RunOrder") {
            let Number(order) = serde_json::from_value(order.clone()).map_err(|error| invalid(&error))?;
            action["runOrder"] = json!(order);
        }
        let type_id = action.get_mut("actionTypeId").and_then(|id| id.get_mut("version"));
        if let Some(version) = type_id.filter(|version| !version.is_string()) {
            *version = Value::String(version.to_string());
        }
    }
    Ok(lowered)
}

/// Numbers and flags become texts; CloudFormation writes structures as JSON.
fn texts(configuration: &Value) -> Result<Value, ServiceError> {
    let members = configuration.as_object().ok_or_else(|| invalid(&"Configuration is no object"))?;
    let text = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (name.clone(), Value::String(value))
    };
    Ok(Value::Object(members.iter().map(text).collect()))
}

/// CloudFormation's names begin with a capital letter where the API's do not.
fn lower_first(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut lowered = Map::new();
            for (name, value) in members {
                let mut letters = name.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                lowered.insert(first.into_iter().chain(letters).collect(), lower_first(value));
            }
            Value::Object(lowered)
        }
        Value::Array(items) => Value::Array(items.iter().map(lower_first).collect()),
        scalar => scalar.clone(),
    }
}

impl Resource for Pipeline {
    const TYPE: &'static str = "AWS::CodePipeline::Pipeline";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let name = properties.name.clone().unwrap_or_else(|| ctx.generated_name(100));
        let input =
            CreatePipeline { pipeline: properties.declaration(&name)?, tags: ctx.tag_list(&properties.tags) };
        match ctx.cloud.call(&ctx.principal, input).await {
            Err(error) if ctx.retried && error.code == "PipelineNameInUseException" => {}
            result => drop(result?),
        }
        for transition in &properties.disable_inbound_stage_transitions {
            disable(ctx, &name, transition).await?;
        }
        Ok(Created { attributes: attributes(), physical_id: name })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let (old, new) = (change.old, change.new);
        let input = UpdatePipeline { pipeline: new.declaration(physical_id)? };
        ctx.cloud.call(&ctx.principal, input).await?;
        let resource_arn = ctx.cloud.arn("codepipeline", physical_id);
        ctx.cloud.call(&ctx.principal, TagResource { resource_arn, tags: ctx.tag_list(&new.tags) }).await?;
        let wanted = &new.disable_inbound_stage_transitions;
        for transition in wanted {
            disable(ctx, physical_id, transition).await?;
        }
        // Only what an earlier template disabled is enabled: others may have disabled more.
        let dropped = |old: &&DisabledTransition| !wanted.iter().any(|new| new.stage_name == old.stage_name);
        for transition in old.disable_inbound_stage_transitions.iter().filter(dropped) {
            let input = EnableStageTransition {
                pipeline_name: physical_id.to_owned(),
                stage_name: transition.stage_name.clone(),
                transition_type: "Inbound".to_owned(),
            };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        if new.restart_execution_on_update == Some(Flag(true)) {
            let input = StartPipelineExecution {
                name: physical_id.to_owned(),
                variables: Vec::new(),
                client_request_token: None,
                source_revisions: Vec::new(),
            };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        Ok(attributes())
    }

    const READABLE: bool = true;

    /// Transitions are not read: whoever releases disables and enables them.
    async fn read(ctx: &ResourceContext, id: &str, _: Properties) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, GetPipeline { name: id.to_owned(), version: None }).await;
        let Some(answer) = answered(found, "PipelineNotFoundException")? else { return Ok(None) };
        let mut shown = capitalized(answer["pipeline"].clone());
        // The keys of an action's configuration are names of their own.
        let given = answer["pipeline"]["stages"].as_array().into_iter().flatten();
        for (stage, given) in shown["Stages"].as_array_mut().into_iter().flatten().zip(given) {
            let given = given["actions"].as_array().into_iter().flatten();
            for (action, given) in stage["Actions"].as_array_mut().into_iter().flatten().zip(given) {
                action["Configuration"] = given["configuration"].clone();
            }
        }
        let names = ["Name", "RoleArn", "ArtifactStore", "Stages", "ExecutionMode", "PipelineType"];
        let mut read = told(&shown, names);
        read.extend(told(&shown, ["Variables", "Triggers"]));
        Ok(Some(read.into()))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        let input = DeletePipeline { name: physical_id.to_owned() };
        ctx.cloud.call(&ctx.principal, input).await.map(|_| ())
    }
}

async fn disable(
    ctx: &ResourceContext,
    pipeline: &str,
    transition: &DisabledTransition,
) -> Result<(), ServiceError> {
    let input = DisableStageTransition {
        pipeline_name: pipeline.to_owned(),
        stage_name: transition.stage_name.clone(),
        transition_type: "Inbound".to_owned(),
        reason: transition.reason.clone(),
    };
    ctx.cloud.call(&ctx.principal, input).await.map(|_| ())
}

fn attributes() -> Attributes {
    super::attributes([("Version", json!("1"))])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the API says to a template's properties.
    fn told(change: impl Fn(&mut Value)) -> String {
        let kind = |category: &str, provider: &str| json!({ "Category": category, "Owner": "AWS", "Provider": provider, "Version": 1 });
        let source = json!({ "ConnectionArn": "c", "FullRepositoryId": "me/app", "BranchName": "master" });
        let mut properties = json!({
            "RoleArn": "arn:aws:iam::000000000000:role/r",
            "ArtifactStore": { "Type": "S3", "Location": "bucket" },
            "Stages": [
                { "Name": "Source", "Actions": [{
                    "Name": "Source", "ActionTypeId": kind("Source", "CodeStarSourceConnection"),
                    "Configuration": source, "OutputArtifacts": [{ "Name": "Code" }],
                }] },
                { "Name": "Build", "Actions": [{
                    "Name": "Build", "ActionTypeId": kind("Build", "CodeBuild"), "RunOrder": "1",
                    "Configuration": { "ProjectName": "app" }, "InputArtifacts": [{ "Name": "Code" }],
                }] },
            ],
        });
        change(&mut properties);
        let properties: Properties = serde_json::from_value(properties).unwrap();
        let declaration = properties.declaration("app").unwrap();
        declaration.check("eu-central-1").map_or_else(|error| error.message, |()| "taken".to_owned())
    }

    #[test]
    fn what_a_template_says_of_a_pipeline_reaches_the_api_by_name() {
        assert_eq!(told(|_| {}), "taken");
        let timeout = told(|it| it["Stages"][1]["Actions"][0]["TimeoutInMinutes"] = json!("15"));
        assert!(timeout.starts_with("timeoutInMinutes of action 'Build'"), "{timeout}");
        let stores = told(|it| it["ArtifactStores"] = json!([{ "Region": "eu-west-1" }]));
        assert!(stores.starts_with("artifactStores of pipeline"), "{stores}");
        let blockers = told(|it| it["Stages"][1]["Blockers"] = json!([{ "Name": "b", "Type": "Schedule" }]));
        assert!(blockers.starts_with("blockers of stage `Build`"), "{blockers}");
        let bare = told(|it| drop(it.as_object_mut().unwrap().remove("ArtifactStore")));
        assert_eq!(bare, "Pipeline must have an artifactStore");
    }
}
