//! Resource types of CloudWatch Logs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Attributes, Change, Created, Number, Resource, ResourceContext, ResourceTypes, Tag, gone};
use crate::error::ServiceError;
use crate::services::logs::{
    AssociateKmsKey, CreateLogGroup, CreateLogStream, DeleteLogGroup, DeleteLogStream, DeleteRetentionPolicy,
    DescribeLogGroups, DisassociateKmsKey, PutRetentionPolicy, TagResource,
};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<LogGroup>();
    types.add::<LogStream>();
}

struct LogGroup;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct LogGroupProperties {
    log_group_name: Option<String>,
    retention_in_days: Option<Number>,
    kms_key_id: Option<String>,
    tags: Vec<Tag>,
}

fn attributes(ctx: &ResourceContext, name: &str) -> Attributes {
    let arn = ctx.cloud.arn("logs", &format!("log-group:{name}:*"));
    super::attributes([("Arn", json!(arn)), ("LogGroupName", json!(name))])
}

async fn set_retention(ctx: &ResourceContext, name: &str, days: Option<Number>) -> Result<(), ServiceError> {
    let log_group_name = name.to_owned();
    match days {
        Some(Number(retention_in_days)) => {
            let input = PutRetentionPolicy { log_group_name, retention_in_days };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        None => {
            ctx.cloud.call(&ctx.principal, DeleteRetentionPolicy { log_group_name }).await?;
        }
    }
    Ok(())
}

async fn set_key(ctx: &ResourceContext, name: &str, key: Option<String>) -> Result<(), ServiceError> {
    let (log_group_name, resource_identifier) = (Some(name.to_owned()), None);
    match key {
        Some(kms_key_id) => {
            let input = AssociateKmsKey { log_group_name, resource_identifier, kms_key_id };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        None => {
            let input = DisassociateKmsKey { log_group_name, resource_identifier };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
    }
    Ok(())
}

impl Resource for LogGroup {
    const TYPE: &'static str = "AWS::Logs::LogGroup";
    type Properties = LogGroupProperties;

    async fn create(ctx: &ResourceContext, properties: LogGroupProperties) -> Result<Created, ServiceError> {
        let name = properties.log_group_name.unwrap_or_else(|| ctx.generated_name(512));
        let input = CreateLogGroup {
            log_group_name: name.clone(),
            tags: ctx.tags_with(&properties.tags),
            kms_key_id: properties.kms_key_id,
        };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "ResourceAlreadyExistsException")?;
        if properties.retention_in_days.is_some() {
            set_retention(ctx, &name, properties.retention_in_days).await?;
        }
        Ok(Created { attributes: attributes(ctx, &name), physical_id: name })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<LogGroupProperties>,
    ) -> Result<Attributes, ServiceError> {
        if change.old.retention_in_days != change.new.retention_in_days {
            set_retention(ctx, physical_id, change.new.retention_in_days).await?;
        }
        if change.old.kms_key_id != change.new.kms_key_id {
            set_key(ctx, physical_id, change.new.kms_key_id).await?;
        }
        let resource_arn = ctx.cloud.arn("logs", &format!("log-group:{physical_id}"));
        let input = TagResource { resource_arn, tags: ctx.tags_with(&change.new.tags) };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(attributes(ctx, physical_id))
    }

    const READABLE: bool = true;

    /// Tags are not read: the answer has none.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: LogGroupProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input =
            DescribeLogGroups { log_group_identifiers: Some(vec![id.to_owned()]), ..Default::default() };
        let found = ctx.cloud.call(&ctx.principal, input).await?.log_groups;
        let group = found.into_iter().find(|group| group.log_group_name == id);
        Ok(group.map(
            |group| json!({"LogGroupName": group.log_group_name, "RetentionInDays": group.retention_in_days, "KmsKeyId": group.kms_key_id}),
        ))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        Ok(attributes(ctx, id))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: LogGroupProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteLogGroup { log_group_name: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "ResourceNotFoundException")
    }
}

struct LogStream;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogStreamProperties {
    log_group_name: String,
    log_stream_name: Option<String>,
}

impl Resource for LogStream {
    const TYPE: &'static str = "AWS::Logs::LogStream";
    type Properties = LogStreamProperties;

    async fn create(ctx: &ResourceContext, properties: LogStreamProperties) -> Result<Created, ServiceError> {
        let LogStreamProperties { log_group_name, log_stream_name } = properties;
        let log_stream_name = log_stream_name.unwrap_or_else(|| ctx.generated_name(512));
        let physical_id = log_stream_name.clone();
        let input = CreateLogStream { log_group_name, log_stream_name };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "ResourceAlreadyExistsException")?;
        Ok(Created { attributes: Attributes::new(), physical_id })
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: LogStreamProperties,
    ) -> Result<(), ServiceError> {
        let log_stream_name = physical_id.to_owned();
        let input = DeleteLogStream { log_group_name: properties.log_group_name, log_stream_name };
        gone(ctx.cloud.call(&ctx.principal, input).await, "ResourceNotFoundException")
    }
}
