//! Internet gateways, addresses, NAT gateways, endpoints.

use serde::Deserialize;
use serde_json::json;

use super::super::{Attributes, Change, Created, Resource, ResourceContext, Tag, attributes, gone};
use crate::error::ServiceError;
use crate::services::ec2::{
    AllocateAddress, AttachInternetGateway, CreateInternetGateway, CreateNatGateway, CreateVpcEndpoint,
    DeleteInternetGateway, DeleteNatGateway, DeleteVpcEndpoint, DescribeAddresses, DetachInternetGateway,
    ModifyVpcEndpoint, ReleaseAddress,
};

/// Properties of a type of which nothing but the tags is used.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OnlyTags {
    tags: Vec<Tag>,
}

pub(super) struct InternetGateway;

impl Resource for InternetGateway {
    const TYPE: &'static str = "AWS::EC2::InternetGateway";
    type Properties = OnlyTags;

    async fn create(ctx: &ResourceContext, properties: OnlyTags) -> Result<Created, ServiceError> {
        let tags = ctx.tags_with(&properties.tags);
        let input = CreateInternetGateway { client_token: Some(ctx.client_token()), tags };
        let id = ctx.cloud.call(&ctx.principal, input).await?.id;
        Ok(Created { attributes: attributes([("InternetGatewayId", json!(id))]), physical_id: id })
    }

    async fn update(
        _ctx: &ResourceContext,
        physical_id: &str,
        _change: Change<OnlyTags>,
    ) -> Result<Attributes, ServiceError> {
        Ok(attributes([("InternetGatewayId", json!(physical_id))]))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: OnlyTags,
    ) -> Result<(), ServiceError> {
        let input = DeleteInternetGateway { internet_gateway_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidInternetGatewayID.NotFound")
    }
}

pub(super) struct VpcGatewayAttachment;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttachmentProperties {
    vpc_id: String,
    internet_gateway_id: String,
}

impl AttachmentProperties {
    async fn attach(self, ctx: &ResourceContext) -> Result<(), ServiceError> {
        let Self { vpc_id, internet_gateway_id } = self;
        ctx.cloud.call(&ctx.principal, AttachInternetGateway { internet_gateway_id, vpc_id }).await?;
        Ok(())
    }

    async fn detach(self, ctx: &ResourceContext) -> Result<(), ServiceError> {
        let Self { vpc_id, internet_gateway_id } = self;
        let input = DetachInternetGateway { internet_gateway_id, vpc_id };
        let detached = gone(ctx.cloud.call(&ctx.principal, input).await, "Gateway.NotAttached");
        gone(detached, "InvalidInternetGatewayID.NotFound")
    }
}

impl Resource for VpcGatewayAttachment {
    const TYPE: &'static str = "AWS::EC2::VPCGatewayAttachment";
    type Properties = AttachmentProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: AttachmentProperties,
    ) -> Result<Created, ServiceError> {
        let physical_id = format!("IGW|{}", properties.vpc_id);
        properties.attach(ctx).await?;
        Ok(Created { attributes: attributes([("AttachmentType", json!("IGW"))]), physical_id })
    }

    async fn update(
        ctx: &ResourceContext,
        _physical_id: &str,
        change: Change<AttachmentProperties>,
    ) -> Result<Attributes, ServiceError> {
        if change.old.internet_gateway_id != change.new.internet_gateway_id {
            change.old.detach(ctx).await?;
            change.new.attach(ctx).await?;
        }
        Ok(attributes([("AttachmentType", json!("IGW"))]))
    }

    async fn delete(
        ctx: &ResourceContext,
        _physical_id: &str,
        properties: AttachmentProperties,
    ) -> Result<(), ServiceError> {
        properties.detach(ctx).await
    }
}

/// Its physical ID is the address, as `Ref` answers it.
pub(super) struct Eip;

fn eip_attributes(public_ip: &str, allocation_id: &str) -> Attributes {
    attributes([("AllocationId", json!(allocation_id)), ("PublicIp", json!(public_ip))])
}

impl Resource for Eip {
    const TYPE: &'static str = "AWS::EC2::EIP";
    type Properties = OnlyTags;

    async fn create(ctx: &ResourceContext, properties: OnlyTags) -> Result<Created, ServiceError> {
        let tags = ctx.tags_with(&properties.tags);
        let input = AllocateAddress { client_token: Some(ctx.client_token()), tags };
        let made = ctx.cloud.call(&ctx.principal, input).await?;
        let attributes = eip_attributes(&made.public_ip, &made.allocation_id);
        Ok(Created { attributes, physical_id: made.public_ip })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        _change: Change<OnlyTags>,
    ) -> Result<Attributes, ServiceError> {
        let input = DescribeAddresses { public_ips: vec![physical_id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await?.addresses;
        let found = found.first().map(|address| address.allocation_id.clone()).unwrap_or_default();
        Ok(eip_attributes(physical_id, &found))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: OnlyTags,
    ) -> Result<(), ServiceError> {
        let input = ReleaseAddress { public_ip: Some(physical_id.to_owned()), ..ReleaseAddress::default() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidAllocationID.NotFound")
    }
}

pub(super) struct NatGateway;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NatGatewayProperties {
    subnet_id: String,
    allocation_id: Option<String>,
    tags: Vec<Tag>,
}

impl Resource for NatGateway {
    const TYPE: &'static str = "AWS::EC2::NatGateway";
    type Properties = NatGatewayProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: NatGatewayProperties,
    ) -> Result<Created, ServiceError> {
        let input = CreateNatGateway {
            subnet_id: properties.subnet_id,
            allocation_id: properties.allocation_id,
            client_token: Some(ctx.client_token()),
            tags: ctx.tags_with(&properties.tags),
        };
        let id = ctx.cloud.call(&ctx.principal, input).await?.id;
        Ok(Created { attributes: attributes([("NatGatewayId", json!(id))]), physical_id: id })
    }

    async fn update(
        _ctx: &ResourceContext,
        physical_id: &str,
        _change: Change<NatGatewayProperties>,
    ) -> Result<Attributes, ServiceError> {
        Ok(attributes([("NatGatewayId", json!(physical_id))]))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: NatGatewayProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteNatGateway { nat_gateway_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "NatGatewayNotFound")
    }
}

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
        Ok(attributes([("Id", json!(physical_id))]))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: VpcEndpointProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteVpcEndpoint { vpc_endpoint_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidVpcEndpointId.NotFound")
    }
}
