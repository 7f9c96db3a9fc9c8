//! The policy of a secret, as a resource of its own.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Flag, Resource, ResourceContext, ResourceTypes, answered, attributes, gone,
};
use crate::error::ServiceError;
use crate::services::secretsmanager::{DeleteResourcePolicy, GetResourcePolicy, PutResourcePolicy};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<ResourcePolicy>();
}

struct ResourcePolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    secret_id: String,
    resource_policy: Value,
    #[serde(default)]
    block_public_policy: Flag,
}

/// Puts the policy and answers the secret's ARN, by which the resource is known.
async fn put(ctx: &ResourceContext, properties: Properties) -> Result<String, ServiceError> {
    let document = &properties.resource_policy;
    let input = PutResourcePolicy {
        secret_id: properties.secret_id,
        resource_policy: document.as_str().map_or_else(|| document.to_string(), str::to_owned),
        block_public_policy: Some(properties.block_public_policy.0),
    };
    Ok(ctx.cloud.call(&ctx.principal, input).await?.arn)
}

fn id(arn: &str) -> Attributes {
    attributes([("Id", json!(arn))])
}

impl Resource for ResourcePolicy {
    const TYPE: &'static str = "AWS::SecretsManager::ResourcePolicy";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let arn = put(ctx, properties).await?;
        Ok(Created { attributes: id(&arn), physical_id: arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        put(ctx, change.new).await?;
        Ok(id(physical_id))
    }

    const READABLE: bool = true;

    async fn read(ctx: &ResourceContext, arn: &str, _: Properties) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, GetResourcePolicy { secret_id: arn.to_owned() }).await;
        let shown = answered(found, "ResourceNotFoundException")?;
        let policy = shown.as_ref().and_then(|shown| shown["ResourcePolicy"].as_str());
        let policy = policy.and_then(|text| serde_json::from_str::<Value>(text).ok());
        Ok(policy.map(|policy| json!({ "ResourcePolicy": policy })))
    }

    async fn delete(ctx: &ResourceContext, arn: &str, _: Properties) -> Result<(), ServiceError> {
        let removed =
            ctx.cloud.call(&ctx.principal, DeleteResourcePolicy { secret_id: arn.to_owned() }).await;
        gone(removed, "ResourceNotFoundException")
    }
}
