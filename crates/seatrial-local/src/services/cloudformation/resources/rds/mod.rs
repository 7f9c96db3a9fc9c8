//! Resource types of RDS.

mod instance;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, Tag, attributes, gone};
use crate::error::ServiceError;
use crate::services::rds::{
    CreateDbParameterGroup, CreateDbSubnetGroup, DeleteDbParameterGroup, DeleteDbSubnetGroup,
    ModifyDbParameterGroup, ModifyDbSubnetGroup, Parameter,
};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<SubnetGroup>();
    types.add::<ParameterGroup>();
    types.add::<instance::Instance>();
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
        Ok(Attributes::new())
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: SubnetGroupProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteDbSubnetGroup { name: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "DBSubnetGroupNotFoundFault")
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
        set_parameters(ctx, physical_id, change.new.parameters).await
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: ParameterGroupProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteDbParameterGroup { name: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "DBParameterGroupNotFound")
    }
}
