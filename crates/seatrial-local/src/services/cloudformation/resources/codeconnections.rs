//! Resource types of CodeConnections.

use std::marker::PhantomData;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, Tag, answered, own_tags, told,
};
use crate::error::ServiceError;
use crate::services::codeconnections::{
    CreateConnection, DeleteConnection, GetConnection, ListConnections, ListTagsForResource, TagResource,
    UntagResource,
};
use crate::tags;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Connection<New>>();
    types.add::<Connection<Old>>();
}

/// Complete as soon as it is made: the handshake is not CloudFormation's business.
struct Connection<N>(PhantomData<N>);

/// The service has two names, and so has the type; the connection is the same.
trait Name: 'static {
    const TYPE: &'static str;
}

struct New;
struct Old;

impl Name for New {
    const TYPE: &'static str = "AWS::CodeConnections::Connection";
}

impl Name for Old {
    const TYPE: &'static str = "AWS::CodeStarConnections::Connection";
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    connection_name: String,
    provider_type: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl<N: Name> Resource for Connection<N> {
    const TYPE: &'static str = N::TYPE;
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let arn = match made_before(ctx, &properties.connection_name).await? {
            Some(arn) => arn,
            None => {
                let tags = ctx.tag_list(&properties.tags);
                let (connection_name, provider_type) = (properties.connection_name, properties.provider_type);
                let input = CreateConnection { connection_name, provider_type, tags };
                ctx.cloud.call(&ctx.principal, input).await?.connection_arn
            }
        };
        ctx.initiated(&arn);
        Ok(Created { attributes: attributes(ctx, &arn).await?, physical_id: arn })
    }

    /// All but the tags is create-only.
    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let resource_arn = physical_id.to_owned();
        let wanted: Vec<tags::Tag> = ctx.tag_list(&change.new.tags);
        let tag_keys = tags::dropped(&change.old.tags, &wanted);
        if !tag_keys.is_empty() {
            let input = UntagResource { resource_arn: resource_arn.clone(), tag_keys };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        ctx.cloud.call(&ctx.principal, TagResource { resource_arn, tags: wanted }).await?;
        attributes(ctx, physical_id).await
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: Properties,
    ) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, GetConnection { connection_arn: id.to_owned() }).await;
        let Some(answer) = answered(found, "ResourceNotFoundException")? else { return Ok(None) };
        let mut read = told(&answer["Connection"], ["ConnectionName", "ProviderType"]);
        let listed = ctx.cloud.call(&ctx.principal, ListTagsForResource { resource_arn: id.to_owned() });
        read.insert("Tags".to_owned(), own_tags(&properties.tags, &json!(listed.await?.tags)));
        Ok(Some(read.into()))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        let input = DeleteConnection { connection_arn: physical_id.to_owned() };
        ctx.cloud.call(&ctx.principal, input).await.map(|_| ())
    }
}

/// Names are not unique, so a try that was broken off is told by its name.
async fn made_before(ctx: &ResourceContext, name: &str) -> Result<Option<String>, ServiceError> {
    if !ctx.retried {
        return Ok(None);
    }
    let listed = ctx.cloud.call(&ctx.principal, ListConnections { provider_type_filter: None }).await?;
    let found = listed.connections.into_iter().find(|connection| connection.connection_name == name);
    Ok(found.map(|connection| connection.connection_arn))
}

async fn attributes(ctx: &ResourceContext, arn: &str) -> Result<Attributes, ServiceError> {
    let found = ctx.cloud.call(&ctx.principal, GetConnection { connection_arn: arn.to_owned() }).await?;
    let connection = found.connection;
    Ok(super::attributes([
        ("ConnectionArn", json!(connection.connection_arn)),
        ("ConnectionStatus", json!(connection.connection_status)),
        ("OwnerAccountId", json!(connection.owner_account_id)),
    ]))
}
