//! Endpoints of a VPC.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Resource, ResourceContext, Tag, answered, attributes, gone, tagged, told,
};
use super::tags::set_tags;
use crate::error::ServiceError;
use crate::services::ec2::{CreateVpcEndpoint, DeleteVpcEndpoint, DescribeVpcEndpoints, ModifyVpcEndpoint};

const MISSING: &str = "InvalidVpcEndpointId.NotFound";

/// What is shown as a template writes it.
const SHOWN: [&str; 6] =
    ["VpcId", "ServiceName", "VpcEndpointType", "RouteTableIds", "SubnetIds", "SecurityGroupIds"];

pub(super) struct VpcEndpoint;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VpcEndpointProperties {
    vpc_id: String,
    service_name: String,
    vpc_endpoint_type: Option<String>,
    route_table_ids: Vec<String>,
    subnet_ids: Vec<String>,
    security_group_ids: Vec<String>,
    tags: Vec<Tag>,
}

impl Resource for VpcEndpoint {
    const TYPE: &'static str = "AWS::EC2::VPCEndpoint";
    type Properties = VpcEndpointProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: VpcEndpointProperties,
    ) -> Result<Created, ServiceError> {
        let input = CreateVpcEndpoint {
            vpc_id: properties.vpc_id,
            service_name: properties.service_name,
            vpc_endpoint_type: properties.vpc_endpoint_type,
            route_table_ids: properties.route_table_ids,
            subnet_ids: properties.subnet_ids,
            security_group_ids: properties.security_group_ids,
            client_token: Some(ctx.client_token()),
            tags: ctx.tags_with(&properties.tags),
        };
        let id = ctx.cloud.call(&ctx.principal, input).await?.vpc_endpoint_id;
        Ok(Created { attributes: attributes([("Id", json!(id))]), physical_id: id })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<VpcEndpointProperties>,
    ) -> Result<Attributes, ServiceError> {
        let input = ModifyVpcEndpoint {
            vpc_endpoint_id: physical_id.to_owned(),
            route_table_ids: change.new.route_table_ids,
            subnet_ids: change.new.subnet_ids,
            security_group_ids: change.new.security_group_ids,
        };
        ctx.cloud.call(&ctx.principal, input).await?;
        set_tags(ctx, physical_id, (&change.old.tags, &change.new.tags)).await?;
        Ok(attributes([("Id", json!(physical_id))]))
    }

    const READABLE: bool = true;

    /// Its policy and its names in the DNS are not kept.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: VpcEndpointProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeVpcEndpoints { vpc_endpoint_ids: vec![id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await;
        let Some(answer) = answered(found, MISSING)? else { return Ok(None) };
        let shown = &answer["VpcEndpoints"][0];
        let mut read = told(shown, SHOWN);
        read.insert("Tags".to_owned(), tagged(&properties.tags, &shown["Tags"]));
        Ok(Some(read.into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: VpcEndpointProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteVpcEndpoint { vpc_endpoint_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)
    }
}
