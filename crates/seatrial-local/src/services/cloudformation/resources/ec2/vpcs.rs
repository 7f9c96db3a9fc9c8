//! VPCs and subnets.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Flag, Resource, ResourceContext, Tag, answered, attributes, gone, tagged,
    told,
};
use super::tags::set_tags;
use crate::error::ServiceError;
use crate::services::ec2::{
    self, CreateSubnet, CreateVpc, DeleteSubnet, DeleteVpc, DescribeSubnets, DescribeVpcs,
};

pub(super) struct Vpc;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VpcProperties {
    cidr_block: String,
    tags: Vec<Tag>,
}

fn vpc_attributes(vpc: &ec2::Vpc) -> Attributes {
    attributes([
        ("VpcId", json!(vpc.vpc_id)),
        ("CidrBlock", json!(vpc.cidr_block)),
        ("DefaultSecurityGroup", json!(vpc.default_security_group)),
    ])
}

impl Resource for Vpc {
    const TYPE: &'static str = "AWS::EC2::VPC";
    type Properties = VpcProperties;

    async fn create(ctx: &ResourceContext, properties: VpcProperties) -> Result<Created, ServiceError> {
        let input = CreateVpc {
            cidr_block: properties.cidr_block,
            client_token: Some(ctx.client_token()),
            tags: ctx.tags_with(&properties.tags),
        };
        let vpc = ctx.cloud.call(&ctx.principal, input).await?;
        Ok(Created { attributes: vpc_attributes(&vpc), physical_id: vpc.vpc_id })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<VpcProperties>,
    ) -> Result<Attributes, ServiceError> {
        set_tags(ctx, physical_id, (&change.old.tags, &change.new.tags)).await?;
        let input = DescribeVpcs { vpc_ids: vec![physical_id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await?;
        Ok(found.vpcs.first().map(vpc_attributes).unwrap_or_default())
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: VpcProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, DescribeVpcs { vpc_ids: vec![id.to_owned()] }).await;
        let Some(answer) = answered(found, "InvalidVpcID.NotFound")? else { return Ok(None) };
        let mut read = told(&answer["Vpcs"][0], ["CidrBlock"]);
        read.insert("Tags".to_owned(), tagged(&properties.tags, &answer["Vpcs"][0]["Tags"]));
        Ok(Some(read.into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: VpcProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteVpc { vpc_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidVpcID.NotFound")
    }
}

pub(super) struct Subnet;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SubnetProperties {
    vpc_id: String,
    cidr_block: String,
    availability_zone: Option<String>,
    map_public_ip_on_launch: Option<Flag>,
    tags: Vec<Tag>,
}

fn subnet_attributes(subnet: &ec2::Subnet) -> Attributes {
    attributes([
        ("SubnetId", json!(subnet.subnet_id)),
        ("VpcId", json!(subnet.vpc_id)),
        ("CidrBlock", json!(subnet.cidr_block)),
        ("AvailabilityZone", json!(subnet.availability_zone)),
    ])
}

impl Resource for Subnet {
    const TYPE: &'static str = "AWS::EC2::Subnet";
    type Properties = SubnetProperties;

    async fn create(ctx: &ResourceContext, properties: SubnetProperties) -> Result<Created, ServiceError> {
        let input = CreateSubnet {
            vpc_id: properties.vpc_id,
            cidr_block: properties.cidr_block,
            availability_zone: properties.availability_zone,
            map_public_ip_on_launch: properties.map_public_ip_on_launch.unwrap_or_default().0,
            client_token: Some(ctx.client_token()),
            tags: ctx.tags_with(&properties.tags),
        };
        let subnet = ctx.cloud.call(&ctx.principal, input).await?;
        Ok(Created { attributes: subnet_attributes(&subnet), physical_id: subnet.subnet_id })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<SubnetProperties>,
    ) -> Result<Attributes, ServiceError> {
        set_tags(ctx, physical_id, (&change.old.tags, &change.new.tags)).await?;
        let input = DescribeSubnets { subnet_ids: vec![physical_id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await?;
        Ok(found.subnets.first().map(subnet_attributes).unwrap_or_default())
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: SubnetProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, DescribeSubnets { subnet_ids: vec![id.to_owned()] }).await;
        let Some(answer) = answered(found, "InvalidSubnetID.NotFound")? else { return Ok(None) };
        let shown = &answer["Subnets"][0];
        let mut read = told(shown, ["VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch"]);
        read.insert("Tags".to_owned(), tagged(&properties.tags, &shown["Tags"]));
        Ok(Some(read.into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: SubnetProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteSubnet { subnet_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidSubnetID.NotFound")
    }
}
