//! Internet gateways, addresses, NAT gateways.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Resource, ResourceContext, Tag, answered, attributes, gone, tagged, told,
};
use super::tags::set_tags;
use crate::error::ServiceError;
use crate::services::ec2::{
    AllocateAddress, AttachInternetGateway, CreateInternetGateway, CreateNatGateway, DeleteInternetGateway,
    DeleteNatGateway, DescribeAddresses, DescribeInternetGateways, DescribeNatGateways,
    DetachInternetGateway, ReleaseAddress, ShownInternetGateway,
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
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<OnlyTags>,
    ) -> Result<Attributes, ServiceError> {
        set_tags(ctx, physical_id, (&change.old.tags, &change.new.tags)).await?;
        Ok(attributes([("InternetGatewayId", json!(physical_id))]))
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: OnlyTags,
    ) -> Result<Option<Value>, ServiceError> {
        let input =
            DescribeInternetGateways { internet_gateway_ids: vec![id.to_owned()], ..Default::default() };
        let found = ctx.cloud.call(&ctx.principal, input).await;
        let Some(answer) = answered(found, "InvalidInternetGatewayID.NotFound")? else { return Ok(None) };
        let tags = tagged(&properties.tags, &answer["InternetGateways"][0]["Tags"]);
        Ok(Some(json!({"Tags": tags})))
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

    const READABLE: bool = true;

    /// It is known by its VPC: another gateway there is the same attachment with another property.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: AttachmentProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let vpc_id = id.split('|').nth(1).unwrap_or_default();
        let input =
            DescribeInternetGateways { attachment_vpc_id: Some(vpc_id.to_owned()), ..Default::default() };
        let found = ctx.cloud.call(&ctx.principal, input).await?.internet_gateways;
        let told = |gateway: &ShownInternetGateway| json!({"VpcId": gateway.vpc_id, "InternetGatewayId": gateway.internet_gateway_id});
        Ok(found.first().map(told))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(_ctx: &ResourceContext, _id: &str) -> Result<Attributes, ServiceError> {
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
        change: Change<OnlyTags>,
    ) -> Result<Attributes, ServiceError> {
        let input = DescribeAddresses { public_ips: vec![physical_id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await?.addresses;
        let found = found.first().map(|address| address.allocation_id.clone()).unwrap_or_default();
        set_tags(ctx, &found, (&change.old.tags, &change.new.tags)).await?;
        Ok(eip_attributes(physical_id, &found))
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: OnlyTags,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeAddresses { public_ips: vec![id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await?.addresses;
        let told = found.first().map(|address| {
            let tags = tagged(&properties.tags, &json!(address.tags));
            json!({"Domain": address.domain, "Tags": tags})
        });
        Ok(told)
    }

    const IMPORTABLE: bool = true;

    const KNOWN_BY: Option<&'static str> = Some("PublicIp");

    async fn attributes(ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        let input = DescribeAddresses { public_ips: vec![id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await?.addresses;
        Ok(eip_attributes(id, found.first().map_or("", |address| &address.allocation_id)))
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
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<NatGatewayProperties>,
    ) -> Result<Attributes, ServiceError> {
        set_tags(ctx, physical_id, (&change.old.tags, &change.new.tags)).await?;
        Ok(attributes([("NatGatewayId", json!(physical_id))]))
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: NatGatewayProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeNatGateways { nat_gateway_ids: vec![id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await;
        let Some(answer) = answered(found, "NatGatewayNotFound")? else { return Ok(None) };
        let shown = &answer["NatGateways"][0];
        let mut read = told(shown, ["VpcId", "SubnetId", "AllocationId"]);
        read.insert("Tags".to_owned(), tagged(&properties.tags, &shown["Tags"]));
        Ok(Some(read.into()))
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
