//! Task definitions in templates: each change registers a new revision.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, Tag, attributes, gone};
use crate::error::ServiceError;
use crate::services::ecs::{self, DeregisterTaskDefinition, RegisterTaskDefinition};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<TaskDefinition>();
}

/// Members whose own members are names of the user's.
const FREE: [&str; 5] = ["DockerLabels", "Options", "DriverOpts", "Labels", "FirelensConfiguration"];

struct TaskDefinition;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    family: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(flatten)]
    content: Map<String, Value>,
}

/// Names as the API has them, which begin with a small letter.
fn lower(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                let value = if FREE.contains(&name.as_str()) { value } else { lower(value) };
                let mut letters = name.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                (first.into_iter().chain(letters).collect(), value)
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(items) => items.into_iter().map(lower).collect(),
        scalar => scalar,
    }
}

impl Resource for TaskDefinition {
    const TYPE: &'static str = "AWS::ECS::TaskDefinition";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let invalid = |error: serde_json::Error| ServiceError::new("InvalidRequest", error.to_string());
        let input = RegisterTaskDefinition {
            family: properties.family.unwrap_or_else(|| ctx.generated_name(255)),
            content: serde_json::from_value(lower(Value::Object(properties.content))).map_err(invalid)?,
            tags: ctx.tag_list(&properties.tags),
        };
        let arn = ctx.cloud.call(&ctx.principal, input).await?.task_definition.task_definition_arn;
        Ok(Created { attributes: values(&arn), physical_id: arn })
    }

    /// All but the tags is create-only.
    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let input =
            ecs::TagResource { resource_arn: physical_id.to_owned(), tags: ctx.tag_list(&change.new.tags) };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(values(physical_id))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        let input = DeregisterTaskDefinition { task_definition: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "ClientException")
    }
}

fn values(arn: &str) -> Attributes {
    attributes([("TaskDefinitionArn", json!(arn))])
}
