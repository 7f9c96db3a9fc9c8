//! A secret that is told where its database is.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, attributes, gone};
use crate::error::ServiceError;
use crate::services::rds::DescribeDbInstances;
use crate::services::secretsmanager::{GetSecretValue, UpdateSecret};

/// What is added to the secret: "Adds database connection information to the secret JSON" (the type's page).
const ADDED: [&str; 5] = ["engine", "host", "port", "dbname", "dbInstanceIdentifier"];

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<SecretTargetAttachment>();
}

struct SecretTargetAttachment;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    secret_id: String,
    target_id: String,
    target_type: String,
}

/// Writes the secret's value anew, without what was added and with `added`.
async fn rewrite(
    ctx: &ResourceContext,
    secret_id: &str,
    added: Map<String, Value>,
) -> Result<String, ServiceError> {
    let secret_id = secret_id.to_owned();
    let input = GetSecretValue { secret_id: secret_id.clone(), version_id: None, version_stage: None };
    let secret = ctx.cloud.call(&ctx.principal, input).await?;
    let value = secret.secret_string.unwrap_or_default();
    let Ok(Value::Object(mut members)) = serde_json::from_str(&value) else {
        return Err(ServiceError::new("InvalidRequest", "The secret's value is not a JSON object"));
    };
    members.retain(|name, _| !ADDED.contains(&name.as_str()));
    members.extend(added);
    let secret_string = Some(Value::Object(members).to_string());
    let input = UpdateSecret { secret_id, secret_string, ..UpdateSecret::default() };
    ctx.cloud.call(&ctx.principal, input).await?;
    Ok(secret.arn)
}

async fn attach(ctx: &ResourceContext, properties: &Properties) -> Result<String, ServiceError> {
    if properties.target_type != "AWS::RDS::DBInstance" {
        return Err(ServiceError::new(
            "InvalidRequest",
            format!(
                "the local cloud attaches secrets to AWS::RDS::DBInstance alone, not to {}",
                properties.target_type
            ),
        ));
    }
    let input = DescribeDbInstances { identifier: Some(properties.target_id.clone()) };
    let found = ctx.cloud.call(&ctx.principal, input).await?.instances;
    let instance = found.first().ok_or_else(|| {
        ServiceError::new("DBInstanceNotFound", format!("DBInstance {} not found.", properties.target_id))
    })?;
    let (host, port) = match &instance.endpoint {
        Some(endpoint) => (json!(endpoint.address), json!(endpoint.port)),
        None => (Value::Null, Value::Null),
    };
    let values = [json!(instance.engine), host, port, json!(instance.name), json!(instance.identifier)];
    let added = ADDED.iter().map(|name| (*name).to_owned()).zip(values).filter(|(_, value)| !value.is_null());
    rewrite(ctx, &properties.secret_id, added.collect()).await
}

impl Resource for SecretTargetAttachment {
    const TYPE: &'static str = "AWS::SecretsManager::SecretTargetAttachment";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let arn = attach(ctx, &properties).await?;
        Ok(Created { attributes: attributes([("Id", json!(arn))]), physical_id: arn })
    }

    async fn update(
        ctx: &ResourceContext,
        _physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let arn = attach(ctx, &change.new).await?;
        Ok(attributes([("Id", json!(arn))]))
    }

    async fn delete(ctx: &ResourceContext, _: &str, properties: Properties) -> Result<(), ServiceError> {
        let detached = rewrite(ctx, &properties.secret_id, Map::new()).await;
        gone(detached, "ResourceNotFoundException")
    }
}
