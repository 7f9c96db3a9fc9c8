//! Resource types of CodeConnections.

use serde::Deserialize;
use serde_json::json;

use super::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes};
use crate::error::ServiceError;
use crate::services::codeconnections::{CreateConnection, DeleteConnection, GetConnection, Tag};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Connection>();
}

/// Complete as soon as it is made: the handshake is not CloudFormation's business.
struct Connection;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    connection_name: String,
    provider_type: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl Resource for Connection {
    const TYPE: &'static str = "AWS::CodeConnections::Connection";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let mut tags = properties.tags;
        for (key, value) in &ctx.tags {
            if !tags.iter().any(|tag| tag.key == *key) {
                tags.push(Tag { key: key.clone(), value: value.clone() });
            }
        }
        let input = CreateConnection {
            connection_name: properties.connection_name,
            provider_type: properties.provider_type,
            tags,
        };
        let created = ctx.cloud.call(&ctx.principal, input).await?;
        let attributes = attributes(ctx, &created.connection_arn).await?;
        Ok(Created { physical_id: created.connection_arn, attributes })
    }

    /// Only tags can differ, and only of the resource itself: nothing here reads them again.
    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        _change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        attributes(ctx, physical_id).await
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        let input = DeleteConnection { connection_arn: physical_id.to_owned() };
        ctx.cloud.call(&ctx.principal, input).await.map(|_| ())
    }
}

async fn attributes(ctx: &ResourceContext, arn: &str) -> Result<Attributes, ServiceError> {
    let found = ctx.cloud.call(&ctx.principal, GetConnection { connection_arn: arn.to_owned() }).await?;
    let connection = found.connection;
    Ok(Attributes::from_iter([
        ("ConnectionArn".to_owned(), json!(connection.connection_arn)),
        ("ConnectionStatus".to_owned(), json!(connection.connection_status)),
        ("OwnerAccountId".to_owned(), json!(connection.owner_account_id)),
    ]))
}
