//! Resource types of CodeBuild.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Attributes, Change, Created, Number, Resource, ResourceContext, ResourceTypes, Tag};
use crate::error::ServiceError;
use crate::services::codebuild::{CreateProject, DeleteProject, UpdateProject};
use crate::tags::LowercaseTag;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Project>();
}

struct Project;

/// The members whose names only differ by their first letter go over as they are.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    name: Option<String>,
    description: Option<String>,
    source: Value,
    source_version: Option<String>,
    artifacts: Value,
    secondary_artifacts: Option<Value>,
    cache: Option<Value>,
    environment: Value,
    service_role: String,
    timeout_in_minutes: Option<Number>,
    queued_timeout_in_minutes: Option<Number>,
    encryption_key: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    logs_config: Option<Value>,
    concurrent_build_limit: Option<Number>,
}

impl Properties {
    /// The input of CreateProject and UpdateProject.
    fn input(self, ctx: &ResourceContext, name: &str) -> Value {
        let number = |value: Option<Number>| value.map(|Number(number)| number);
        let mut source = lower_first(self.source);
        if let Some(buildspec) = source.as_object_mut().and_then(|source| source.remove("buildSpec")) {
            source["buildspec"] = buildspec;
        }
        let mut input = json!({
            "name": name,
            "description": self.description,
            "source": source,
            "sourceVersion": self.source_version,
            "artifacts": lower_first(self.artifacts),
            "secondaryArtifacts": self.secondary_artifacts.map(lower_first),
            "cache": self.cache.map(lower_first),
            "environment": strings(lower_first(self.environment)),
            "serviceRole": role_arn(ctx, self.service_role),
            "timeoutInMinutes": number(self.timeout_in_minutes),
            "queuedTimeoutInMinutes": number(self.queued_timeout_in_minutes),
            "encryptionKey": self.encryption_key,
            "tags": ctx.tag_list::<LowercaseTag>(&self.tags),
            "logsConfig": self.logs_config.map(lower_first),
            "concurrentBuildLimit": number(self.concurrent_build_limit),
        });
        if let Some(input) = input.as_object_mut() {
            input.retain(|_, value| !value.is_null());
        }
        input
    }
}

impl Resource for Project {
    const TYPE: &'static str = "AWS::CodeBuild::Project";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let name = properties.name.clone().unwrap_or_else(|| ctx.generated_name(255));
        let input: CreateProject = parse(properties.input(ctx, &name))?;
        match ctx.cloud.call(&ctx.principal, input).await {
            Err(error) if ctx.retried && error.code == "ResourceAlreadyExistsException" => {}
            result => drop(result?),
        }
        Ok(Created { attributes: attributes(ctx, &name), physical_id: name })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let mut input = change.new.input(ctx, physical_id);
        // A limit that left the template is gone from the project.
        if input.get("concurrentBuildLimit").is_none() {
            input["concurrentBuildLimit"] = json!(-1);
        }
        let input: UpdateProject = parse(input)?;
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(attributes(ctx, physical_id))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        let input = DeleteProject { name: physical_id.to_owned() };
        ctx.cloud.call(&ctx.principal, input).await.map(|_| ())
    }
}

fn attributes(ctx: &ResourceContext, name: &str) -> Attributes {
    let arn = ctx.cloud.arn("codebuild", &format!("project/{name}"));
    super::attributes([("Arn", json!(arn)), ("Id", json!(name))])
}

fn parse<T: serde::de::DeserializeOwned>(input: Value) -> Result<T, ServiceError> {
    serde_json::from_value(input).map_err(|error| ServiceError::new("InvalidRequest", error.to_string()))
}

/// The role's ARN; a template may give its name alone.
fn role_arn(ctx: &ResourceContext, role: String) -> String {
    if role.starts_with("arn:") { role } else { format!("arn:aws:iam::{}:role/{role}", ctx.cloud.account()) }
}

/// CloudFormation's names begin with a capital letter where the API's do not.
fn lower_first(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                let mut letters = name.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                (first.into_iter().chain(letters).collect(), lower_first(value))
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(lower_first).collect()),
        scalar => scalar,
    }
}

/// Variables' values may come as numbers, flags as texts.
fn strings(mut environment: Value) -> Value {
    for variable in
        environment.get_mut("environmentVariables").and_then(Value::as_array_mut).into_iter().flatten()
    {
        if let Some(value) = variable.get_mut("value").filter(|value| !value.is_string()) {
            *value = Value::String(value.to_string());
        }
    }
    if let Some(flag) = environment.get_mut("privilegedMode")
        && let Some(text) = flag.as_str()
    {
        *flag = Value::Bool(text.eq_ignore_ascii_case("true"));
    }
    environment
}
