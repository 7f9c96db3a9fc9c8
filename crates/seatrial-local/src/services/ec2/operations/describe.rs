//! What gateways, addresses, route tables and endpoints are now, in AWS's form as far as it is used.

use serde::{Deserialize, Serialize};

use super::super::store::{Address, InternetGateway, NatGateway, Network, RouteTable, Tags, VpcEndpoint};
use super::gateways::{nat_gateway_not_found, no_such_endpoint};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Those of the ids given, or those that are attached to a VPC (the filter `attachment.vpc-id`).
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeInternetGateways {
    pub internet_gateway_ids: Vec<String>,
    pub attachment_vpc_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShownInternetGateway {
    pub internet_gateway_id: String,
    pub vpc_id: Option<String>,
    pub tags: Tags,
}

impl From<InternetGateway> for ShownInternetGateway {
    fn from(row: InternetGateway) -> Self {
        Self { internet_gateway_id: row.id, vpc_id: row.vpc_id, tags: row.tags }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeInternetGatewaysOutput {
    pub internet_gateways: Vec<ShownInternetGateway>,
}

pub(super) fn describe_internet_gateways(
    input: DescribeInternetGateways,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeInternetGatewaysOutput, ServiceError> {
    let mut found: Vec<InternetGateway> =
        input.internet_gateway_ids.iter().map(|id| network.internet_gateway(id)).collect::<Result<_, _>>()?;
    found.extend(input.attachment_vpc_id.and_then(|vpc_id| network.gateway_of(&vpc_id)));
    let internet_gateways = found.into_iter().map(ShownInternetGateway::from).collect();
    Ok(DescribeInternetGatewaysOutput { internet_gateways })
}

/// Addresses by their IP.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeAddresses {
    pub public_ips: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShownAddress {
    pub allocation_id: String,
    pub public_ip: String,
    /// Always `vpc`.
    pub domain: &'static str,
    pub tags: Tags,
}

impl From<Address> for ShownAddress {
    fn from(Address { allocation_id, public_ip, tags }: Address) -> Self {
        Self { allocation_id, public_ip, domain: "vpc", tags }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeAddressesOutput {
    pub addresses: Vec<ShownAddress>,
}

pub(super) fn describe_addresses(
    input: DescribeAddresses,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeAddressesOutput, ServiceError> {
    let mut found = network.addresses.values();
    found.retain(|address| input.public_ips.contains(&address.public_ip));
    Ok(DescribeAddressesOutput { addresses: found.into_iter().map(ShownAddress::from).collect() })
}

/// Those of the ids given.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeNatGateways {
    pub nat_gateway_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShownNatGateway {
    pub nat_gateway_id: String,
    pub vpc_id: String,
    pub subnet_id: String,
    pub allocation_id: Option<String>,
    pub tags: Tags,
}

impl From<NatGateway> for ShownNatGateway {
    fn from(NatGateway { id, vpc_id, subnet_id, allocation_id, tags }: NatGateway) -> Self {
        Self { nat_gateway_id: id, vpc_id, subnet_id, allocation_id, tags }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeNatGatewaysOutput {
    pub nat_gateways: Vec<ShownNatGateway>,
}

pub(super) fn describe_nat_gateways(
    input: DescribeNatGateways,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeNatGatewaysOutput, ServiceError> {
    let one = |id: &String| network.nat_gateways.get(id).ok_or_else(|| nat_gateway_not_found(id));
    let found = input.nat_gateway_ids.iter().map(|id| one(id).map(ShownNatGateway::from));
    Ok(DescribeNatGatewaysOutput { nat_gateways: found.collect::<Result<_, _>>()? })
}

/// Those of the ids given, or the one with an association (the filter
/// `association.route-table-association-id`).
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeRouteTables {
    pub route_table_ids: Vec<String>,
    pub association_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShownRouteTable {
    pub route_table_id: String,
    pub vpc_id: String,
    /// Target by destination.
    pub routes: std::collections::BTreeMap<String, String>,
    /// Subnet by association id.
    pub associations: std::collections::BTreeMap<String, String>,
    pub tags: Tags,
}

impl From<RouteTable> for ShownRouteTable {
    fn from(RouteTable { id, vpc_id, routes, associations, tags, .. }: RouteTable) -> Self {
        Self { route_table_id: id, vpc_id, routes, associations, tags }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeRouteTablesOutput {
    pub route_tables: Vec<ShownRouteTable>,
}

pub(super) fn describe_route_tables(
    input: DescribeRouteTables,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeRouteTablesOutput, ServiceError> {
    let mut found: Vec<RouteTable> =
        input.route_table_ids.iter().map(|id| network.route_table(id)).collect::<Result<_, _>>()?;
    let with = |id: String| network.route_tables.find(|table| table.associations.contains_key(&id));
    found.extend(input.association_id.and_then(with));
    Ok(DescribeRouteTablesOutput { route_tables: found.into_iter().map(ShownRouteTable::from).collect() })
}

/// Those of the ids given.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeVpcEndpoints {
    pub vpc_endpoint_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeVpcEndpointsOutput {
    pub vpc_endpoints: Vec<VpcEndpoint>,
}

pub(super) fn describe_vpc_endpoints(
    input: DescribeVpcEndpoints,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeVpcEndpointsOutput, ServiceError> {
    let one = |id: &String| network.endpoints.get(id).ok_or_else(|| no_such_endpoint(id));
    let vpc_endpoints = input.vpc_endpoint_ids.iter().map(one).collect::<Result<_, _>>()?;
    Ok(DescribeVpcEndpointsOutput { vpc_endpoints })
}
