//! Route tables, routes, associations.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::{
    Attributes, Change, Created, Resource, ResourceContext, Tag, answered, attributes, gone, tagged, told,
};
use super::tags::set_tags;
use crate::error::ServiceError;
use crate::services::ec2::{
    AssociateRouteTable, CreateRoute, CreateRouteTable, DeleteRoute, DeleteRouteTable, DescribeRouteTables,
    DisassociateRouteTable, ReplaceRoute,
};

const NO_TABLE: &str = "InvalidRouteTableID.NotFound";

pub(super) struct RouteTable;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RouteTableProperties {
    vpc_id: String,
    tags: Vec<Tag>,
}

impl Resource for RouteTable {
    const TYPE: &'static str = "AWS::EC2::RouteTable";
    type Properties = RouteTableProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: RouteTableProperties,
    ) -> Result<Created, ServiceError> {
        let tags = ctx.tags_with(&properties.tags);
        let client_token = Some(ctx.client_token());
        let input = CreateRouteTable { vpc_id: properties.vpc_id, client_token, tags };
        let id = ctx.cloud.call(&ctx.principal, input).await?.id;
        Ok(Created { attributes: attributes([("RouteTableId", json!(id))]), physical_id: id })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<RouteTableProperties>,
    ) -> Result<Attributes, ServiceError> {
        set_tags(ctx, physical_id, (&change.old.tags, &change.new.tags)).await?;
        Ok(attributes([("RouteTableId", json!(physical_id))]))
    }

    const READABLE: bool = true;

    /// Its routes are resources of their own.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: RouteTableProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let Some(shown) = table(ctx, id).await? else { return Ok(None) };
        let mut read = told(&shown, ["VpcId"]);
        read.insert("Tags".to_owned(), tagged(&properties.tags, &shown["Tags"]));
        Ok(Some(read.into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: RouteTableProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteRouteTable { route_table_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, NO_TABLE)
    }
}

/// A route table as it is shown, if there is one.
async fn table(ctx: &ResourceContext, id: &str) -> Result<Option<Value>, ServiceError> {
    let input = DescribeRouteTables { route_table_ids: vec![id.to_owned()], ..Default::default() };
    let answer = answered(ctx.cloud.call(&ctx.principal, input).await, NO_TABLE)?;
    Ok(answer.map(|mut answer| answer["RouteTables"][0].take()))
}

pub(super) struct Route;

/// The property that names a target, by how its id begins. A gateway's is what any other id stands under.
const TARGETS: [(&str, &str); 11] = [
    ("nat-", "NatGatewayId"),
    ("eigw-", "EgressOnlyInternetGatewayId"),
    ("pcx-", "VpcPeeringConnectionId"),
    ("tgw-", "TransitGatewayId"),
    ("eni-", "NetworkInterfaceId"),
    ("i-", "InstanceId"),
    ("vpce-", "VpcEndpointId"),
    ("cagw-", "CarrierGatewayId"),
    ("lgw-", "LocalGatewayId"),
    ("arn:", "CoreNetworkArn"),
    ("", "GatewayId"),
];

/// The one target of a route under its property; all others are not set.
fn written(target: &str) -> Map<String, Value> {
    let found = TARGETS.iter().find(|(prefix, _)| target.starts_with(prefix));
    let property = |name: &str| match found {
        Some((_, own)) if *own == name => json!(target),
        // A gateway endpoint may be named as the gateway that it is.
        _ if name == "GatewayId" && target.starts_with("vpce-") => json!(target),
        _ => Value::Null,
    };
    TARGETS.iter().map(|(_, name)| ((*name).to_owned(), property(name))).collect()
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RouteProperties {
    route_table_id: String,
    destination_cidr_block: Option<String>,
    destination_ipv6_cidr_block: Option<String>,
    destination_prefix_list_id: Option<String>,
    gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
    egress_only_internet_gateway_id: Option<String>,
    vpc_peering_connection_id: Option<String>,
    transit_gateway_id: Option<String>,
    network_interface_id: Option<String>,
    instance_id: Option<String>,
    vpc_endpoint_id: Option<String>,
    carrier_gateway_id: Option<String>,
    local_gateway_id: Option<String>,
    core_network_arn: Option<String>,
}

impl RouteProperties {
    /// Where to, and over what. Of the targets only gateways lead anywhere here; the others are kept.
    fn parts(self) -> Result<(String, String, String), ServiceError> {
        let destinations =
            [self.destination_cidr_block, self.destination_ipv6_cidr_block, self.destination_prefix_list_id];
        let targets = [
            self.gateway_id,
            self.nat_gateway_id,
            self.egress_only_internet_gateway_id,
            self.vpc_peering_connection_id,
            self.transit_gateway_id,
            self.network_interface_id,
            self.instance_id,
            self.vpc_endpoint_id,
            self.carrier_gateway_id,
            self.local_gateway_id,
            self.core_network_arn,
        ];
        let one = |what: &str, given: &mut dyn Iterator<Item = String>| match (given.next(), given.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(ServiceError::new("InvalidRequest", format!("a route needs exactly one {what}"))),
        };
        let destination = one("destination", &mut destinations.into_iter().flatten())?;
        let target = one("target", &mut targets.into_iter().flatten())?;
        Ok((self.route_table_id, destination, target))
    }
}

impl Resource for Route {
    const TYPE: &'static str = "AWS::EC2::Route";
    type Properties = RouteProperties;

    async fn create(ctx: &ResourceContext, properties: RouteProperties) -> Result<Created, ServiceError> {
        let (route_table_id, destination_cidr_block, target) = properties.parts()?;
        let physical_id = format!("{route_table_id}|{destination_cidr_block}");
        let values = attributes([("CidrBlock", json!(destination_cidr_block))]);
        let input = CreateRoute { route_table_id, destination_cidr_block, target };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "RouteAlreadyExists")?;
        Ok(Created { physical_id, attributes: values })
    }

    async fn update(
        ctx: &ResourceContext,
        _physical_id: &str,
        change: Change<RouteProperties>,
    ) -> Result<Attributes, ServiceError> {
        let (route_table_id, destination_cidr_block, target) = change.new.parts()?;
        let values = attributes([("CidrBlock", json!(destination_cidr_block))]);
        let input = ReplaceRoute { route_table_id, destination_cidr_block, target };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(values)
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: RouteProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let (table_id, destination) = id.split_once('|').unwrap_or((id, ""));
        let Some(shown) = table(ctx, table_id).await? else { return Ok(None) };
        let Some(target) = shown["Routes"][destination].as_str() else { return Ok(None) };
        let mut read = written(target);
        read.insert("RouteTableId".to_owned(), json!(table_id));
        Ok(Some(read.into()))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(_ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        let destination = id.split_once('|').map_or("", |(_, destination)| destination);
        Ok(attributes([("CidrBlock", json!(destination))]))
    }

    async fn delete(
        ctx: &ResourceContext,
        _physical_id: &str,
        properties: RouteProperties,
    ) -> Result<(), ServiceError> {
        // One that was never whole was never made.
        let Ok((route_table_id, destination_cidr_block, _)) = properties.parts() else { return Ok(()) };
        let input = DeleteRoute { route_table_id, destination_cidr_block };
        let deleted = gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidRoute.NotFound");
        gone(deleted, NO_TABLE)
    }
}

pub(super) struct SubnetRouteTableAssociation;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AssociationProperties {
    subnet_id: String,
    route_table_id: String,
}

impl Resource for SubnetRouteTableAssociation {
    const TYPE: &'static str = "AWS::EC2::SubnetRouteTableAssociation";
    type Properties = AssociationProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: AssociationProperties,
    ) -> Result<Created, ServiceError> {
        let AssociationProperties { subnet_id, route_table_id } = properties;
        let client_token = Some(ctx.client_token());
        let input = AssociateRouteTable { route_table_id, subnet_id, client_token };
        let id = ctx.cloud.call(&ctx.principal, input).await?.id;
        Ok(Created { attributes: attributes([("Id", json!(id))]), physical_id: id })
    }

    async fn update(
        _ctx: &ResourceContext,
        physical_id: &str,
        _change: Change<AssociationProperties>,
    ) -> Result<Attributes, ServiceError> {
        Ok(attributes([("Id", json!(physical_id))]))
    }

    const READABLE: bool = true;

    /// Another table for its subnet, or none, is another association: this one is gone then.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: AssociationProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeRouteTables { association_id: Some(id.to_owned()), ..Default::default() };
        let found = ctx.cloud.call(&ctx.principal, input).await?.route_tables;
        let told = found.first().map(
            |table| json!({"SubnetId": table.associations.get(id), "RouteTableId": table.route_table_id}),
        );
        Ok(told)
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: AssociationProperties,
    ) -> Result<(), ServiceError> {
        let input = DisassociateRouteTable { association_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidAssociationID.NotFound")
    }
}
