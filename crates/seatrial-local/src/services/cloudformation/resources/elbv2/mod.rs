//! Resource types of Elastic Load Balancing.

mod actions;
mod listener;
mod listener_rule;
mod load_balancer;
mod register;
mod target_group;

pub(super) use register::register;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{Number, ResourceContext};
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::services::elbv2::{AddTags, Attribute, DescribeTags, RemoveTags};
use crate::tags::{self, Tag};

async fn call<O: Operation>(ctx: &ResourceContext, input: O) -> Result<O::Output, ServiceError> {
    ctx.cloud.call(&ctx.principal, input).await
}

fn port(number: Number) -> Result<u16, ServiceError> {
    u16::try_from(number.0)
        .map_err(|_| ServiceError::validation(format!("port {} must be at most 65535", number.0)))
}

/// An attribute whose value may come as a flag or a number.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeProperty {
    key: String,
    #[serde(default, deserialize_with = "text")]
    value: String,
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        value @ (Value::Bool(_) | Value::Number(_)) => Ok(value.to_string()),
        value => Err(D::Error::custom(format!("expected a text, found {value}"))),
    }
}

/// Sets the attributes that are given, by the operation that `modify` makes of them.
async fn set_attributes<O: Operation>(
    ctx: &ResourceContext,
    given: Vec<AttributeProperty>,
    modify: impl FnOnce(Vec<Attribute>) -> O,
) -> Result<(), ServiceError> {
    if !given.is_empty() {
        let attribute = |given: AttributeProperty| Attribute { key: given.key, value: given.value };
        call(ctx, modify(given.into_iter().map(attribute).collect())).await?;
    }
    Ok(())
}

/// The attributes that a template names, as the service shows them.
fn named_attributes(named: &[AttributeProperty], shown: Vec<Attribute>) -> Value {
    let shown = shown.into_iter().filter(|one| named.iter().any(|named| named.key == one.key));
    shown.map(|one| serde_json::json!({"Key": one.key, "Value": one.value})).collect()
}

/// The tags of `arn` that a template names.
async fn named_tags(ctx: &ResourceContext, arn: &str, named: &[Tag]) -> Result<Value, ServiceError> {
    let shown = call(ctx, DescribeTags { resource_arns: vec![arn.to_owned()] }).await?;
    let shown = shown.tag_descriptions.into_iter().flat_map(|one| one.tags);
    let own = shown.filter(|tag| named.iter().any(|named| named.key == tag.key));
    Ok(own.map(|tag| serde_json::json!({"Key": tag.key, "Value": tag.value})).collect())
}

/// Brings the tags of `arn` from the old to the new.
async fn retag(ctx: &ResourceContext, arn: &str, (old, new): (&[Tag], &[Tag])) -> Result<(), ServiceError> {
    let resource_arns = vec![arn.to_owned()];
    let tags = ctx.tag_list(new);
    let tag_keys = tags::dropped(old, &tags);
    if !tag_keys.is_empty() {
        call(ctx, RemoveTags { resource_arns: resource_arns.clone(), tag_keys }).await?;
    }
    call(ctx, AddTags { resource_arns, tags }).await?;
    Ok(())
}
