//! Resource types of RDS.

mod instance;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, Tag, answered, attributes, gone,
    own_tags, told,
};
use crate::error::ServiceError;
use crate::services::rds::{
    AddTagsToResource, CreateDbParameterGroup, CreateDbSubnetGroup, DeleteDbParameterGroup,
    DeleteDbSubnetGroup, DescribeDbParameterGroups, DescribeDbParameters, DescribeDbSubnetGroups,
    ListTagsForResource, ModifyDbParameterGroup, ModifyDbSubnetGroup, Parameter, RemoveTagsFromResource,
};
use crate::tags;

const NO_SUBNET_GROUP: &str = "DBSubnetGroupNotFoundFault";
const NO_PARAMETER_GROUP: &str = "DBParameterGroupNotFound";

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<SubnetGroup>();
    types.add::<ParameterGroup>();
    types.add::<instance::Instance>();
}

/// The tags of a resource that its template names.
async fn named_tags(ctx: &ResourceContext, arn: &Value, named: &[Tag]) -> Result<Value, ServiceError> {
    let resource_name = arn.as_str().unwrap_or_default().to_owned();
    let listed = ctx.cloud.call(&ctx.principal, ListTagsForResource { resource_name }).await?;
    Ok(own_tags(named, &json!(listed.tag_list)))
}

/// Brings the tags from what the old properties say to what the new ones and the stack do.
async fn set_tags(
    ctx: &ResourceContext,
    resource: &str,
    (old, new): (&[Tag], &[Tag]),
) -> Result<(), ServiceError> {
    let resource_name = ctx.cloud.arn("rds", resource);
    let wanted: Vec<tags::Tag> = ctx.tag_list(new);
    let tag_keys = tags::dropped(old, &wanted);
    if !tag_keys.is_empty() {
        let input = RemoveTagsFromResource { resource_name: resource_name.clone(), tag_keys };
        ctx.cloud.call(&ctx.principal, input).await?;
    }
    let input = AddTagsToResource { resource_name, tags: wanted };
    ctx.cloud.call(&ctx.principal, input).await.map(drop)
}

/// A name as the template writes it: RDS keeps it in small letters.
fn as_named(named: Option<String>, shown: &Value) -> Value {
    let same = |named: &String| shown.as_str().is_some_and(|shown| shown.eq_ignore_ascii_case(named));
    named.filter(same).map_or_else(|| shown.clone(), Value::from)
}

struct SubnetGroup;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct SubnetGroupProperties {
    #[serde(rename = "DBSubnetGroupName")]
    name: Option<String>,
    #[serde(rename = "DBSubnetGroupDescription")]
    description: String,
    subnet_ids: Vec<String>,
    tags: Vec<Tag>,
}

impl Resource for SubnetGroup {
    const TYPE: &'static str = "AWS::RDS::DBSubnetGroup";
    type Properties = SubnetGroupProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: SubnetGroupProperties,
    ) -> Result<Created, ServiceError> {
        let name = properties.name.unwrap_or_else(|| ctx.generated_name(255)).to_ascii_lowercase();
        let input = CreateDbSubnetGroup {
            name: name.clone(),
            description: properties.description,
            subnet_ids: properties.subnet_ids,
            tags: ctx.tag_list(&properties.tags),
        };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "DBSubnetGroupAlreadyExists")?;
        Ok(Created { physical_id: name, attributes: Attributes::new() })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<SubnetGroupProperties>,
    ) -> Result<Attributes, ServiceError> {
        let input = ModifyDbSubnetGroup {
            name: physical_id.to_owned(),
            description: Some(change.new.description),
            subnet_ids: change.new.subnet_ids,
        };
        ctx.cloud.call(&ctx.principal, input).await?;
        set_tags(ctx, &format!("subgrp:{physical_id}"), (&change.old.tags, &change.new.tags)).await?;
        Ok(Attributes::new())
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: SubnetGroupProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeDbSubnetGroups { name: Some(id.to_owned()) };
        let found = ctx.cloud.call(&ctx.principal, input).await;
        let Some(answer) = answered(found, NO_SUBNET_GROUP)? else { return Ok(None) };
        let shown = &answer["DBSubnetGroups"][0];
        let mut read = told(shown, ["DBSubnetGroupDescription"]);
        read.insert("DBSubnetGroupName".to_owned(), as_named(properties.name, &shown["DBSubnetGroupName"]));
        let subnets = shown["Subnets"].as_array().into_iter().flatten();
        let subnets = subnets.map(|subnet| subnet["SubnetIdentifier"].clone()).collect();
        read.insert("SubnetIds".to_owned(), subnets);
        let tags = named_tags(ctx, &shown["DBSubnetGroupArn"], &properties.tags).await?;
        read.insert("Tags".to_owned(), tags);
        Ok(Some(read.into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: SubnetGroupProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteDbSubnetGroup { name: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, NO_SUBNET_GROUP)
    }
}

struct ParameterGroup;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ParameterGroupProperties {
    #[serde(rename = "DBParameterGroupName")]
    name: Option<String>,
    description: String,
    family: String,
    parameters: BTreeMap<String, Value>,
    tags: Vec<Tag>,
}

async fn set_parameters(
    ctx: &ResourceContext,
    name: &str,
    parameters: BTreeMap<String, Value>,
) -> Result<Attributes, ServiceError> {
    let parameter = |(name, value): (String, Value)| Parameter {
        parameter_name: name,
        parameter_value: Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
    };
    let parameters = parameters.into_iter().map(parameter).collect();
    let input = ModifyDbParameterGroup { name: name.to_owned(), parameters };
    ctx.cloud.call(&ctx.principal, input).await?;
    Ok(attributes([("DBParameterGroupName", json!(name))]))
}

impl Resource for ParameterGroup {
    const TYPE: &'static str = "AWS::RDS::DBParameterGroup";
    type Properties = ParameterGroupProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: ParameterGroupProperties,
    ) -> Result<Created, ServiceError> {
        let name = properties.name.unwrap_or_else(|| ctx.generated_name(255)).to_ascii_lowercase();
        let input = CreateDbParameterGroup {
            name: name.clone(),
            family: properties.family,
            description: properties.description,
            tags: ctx.tag_list(&properties.tags),
        };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "DBParameterGroupAlreadyExists")?;
        let attributes = set_parameters(ctx, &name, properties.parameters).await?;
        Ok(Created { physical_id: name, attributes })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<ParameterGroupProperties>,
    ) -> Result<Attributes, ServiceError> {
        set_tags(ctx, &format!("pg:{physical_id}"), (&change.old.tags, &change.new.tags)).await?;
        set_parameters(ctx, physical_id, change.new.parameters).await
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: ParameterGroupProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeDbParameterGroups { name: Some(id.to_owned()) };
        let found = ctx.cloud.call(&ctx.principal, input).await;
        let Some(answer) = answered(found, NO_PARAMETER_GROUP)? else { return Ok(None) };
        let shown = &answer["DBParameterGroups"][0];
        let mut read = told(shown, ["Description"]);
        read.insert("Family".to_owned(), shown["DBParameterGroupFamily"].clone());
        let name = as_named(properties.name, &shown["DBParameterGroupName"]);
        read.insert("DBParameterGroupName".to_owned(), name);
        let set =
            ctx.cloud.call(&ctx.principal, DescribeDbParameters { name: id.to_owned() }).await?.parameters;
        let set = set.into_iter().map(|one| (one.parameter_name, json!(one.parameter_value))).collect();
        read.insert("Parameters".to_owned(), Value::Object(set));
        let tags = named_tags(ctx, &shown["DBParameterGroupArn"], &properties.tags).await?;
        read.insert("Tags".to_owned(), tags);
        Ok(Some(read.into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: ParameterGroupProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteDbParameterGroup { name: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, NO_PARAMETER_GROUP)
    }
}
