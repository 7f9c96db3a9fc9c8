//! Route tables, their routes and associations.

use serde::{Deserialize, Serialize};

use super::super::store::{Network, RouteTable, Tags, not_found};
use super::{Empty, Made, dependency_violation, new_id};
use crate::cloud::Cloud;
use crate::error::ServiceError;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateRouteTable {
    pub vpc_id: String,
    pub client_token: Option<String>,
    pub tags: Tags,
}

pub(super) fn create_route_table(
    input: CreateRouteTable,
    network: &Network,
    _: &Cloud,
) -> Result<Made, ServiceError> {
    let vpc = network.vpc(&input.vpc_id)?;
    let table = RouteTable {
        id: new_id("rtb", input.client_token.as_deref()),
        vpc_id: vpc.vpc_id,
        main: false,
        routes: [(vpc.cidr_block, "local".to_owned())].into(),
        associations: Default::default(),
        tags: input.tags,
    };
    network.route_tables.insert_new(&table.id, &table)?;
    Ok(Made { id: table.id })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRouteTable {
    pub route_table_id: String,
}

pub(super) fn delete_route_table(
    input: DeleteRouteTable,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let table = network.route_table(&input.route_table_id)?;
    if table.main || !table.associations.is_empty() {
        return Err(dependency_violation(format!(
            "The routeTable '{}' has dependencies and cannot be deleted.",
            table.id
        )));
    }
    network.route_tables.remove(&table.id)?;
    Ok(Empty {})
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AssociateRouteTable {
    pub route_table_id: String,
    pub subnet_id: String,
    pub client_token: Option<String>,
}

pub(super) fn associate_route_table(
    input: AssociateRouteTable,
    network: &Network,
    _: &Cloud,
) -> Result<Made, ServiceError> {
    let subnet = network.subnet(&input.subnet_id)?;
    let table = network.route_table(&input.route_table_id)?;
    let id = new_id("rtbassoc", input.client_token.as_deref());
    if subnet.vpc_id != table.vpc_id {
        let message =
            format!("Route table {} and subnet {} belong to different networks", table.id, subnet.subnet_id);
        return Err(ServiceError::new("InvalidParameterValue", message));
    }
    let taken = network.route_tables.find(|table| {
        table.associations.iter().any(|(other, with)| *with == subnet.subnet_id && *other != id)
    });
    if taken.is_some() {
        let message = format!(
            "the specified association for route table {} conflicts with an existing association",
            table.id
        );
        return Err(ServiceError::new("Resource.AlreadyAssociated", message));
    }
    network.route_tables.update(&table.id, |row| row.associations.insert(id.clone(), subnet.subnet_id))?;
    Ok(Made { id })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DisassociateRouteTable {
    pub association_id: String,
}

pub(super) fn disassociate_route_table(
    input: DisassociateRouteTable,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let id = &input.association_id;
    let table = network.route_tables.find(|table| table.associations.contains_key(id));
    let table = table.ok_or_else(|| not_found("InvalidAssociationID.NotFound", "association ID", id))?;
    network.route_tables.update(&table.id, |row| row.associations.remove(id))?;
    Ok(Empty {})
}

/// A route to an internet gateway (`igw-…`) or a NAT gateway (`nat-…`).
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateRoute {
    pub route_table_id: String,
    pub destination_cidr_block: String,
    pub target: String,
}

pub(super) fn create_route(input: CreateRoute, network: &Network, _: &Cloud) -> Result<Empty, ServiceError> {
    let table = network.route_table(&input.route_table_id)?;
    if table.routes.contains_key(&input.destination_cidr_block) {
        let message = format!("The route identified by {} already exists.", input.destination_cidr_block);
        return Err(ServiceError::new("RouteAlreadyExists", message));
    }
    set_route(network, &table, (&input.destination_cidr_block, &input.target))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReplaceRoute {
    pub route_table_id: String,
    pub destination_cidr_block: String,
    pub target: String,
}

pub(super) fn replace_route(
    input: ReplaceRoute,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let table = network.route_table(&input.route_table_id)?;
    if !table.routes.contains_key(&input.destination_cidr_block) {
        return Err(no_such_route(&table.id, &input.destination_cidr_block));
    }
    set_route(network, &table, (&input.destination_cidr_block, &input.target))
}

fn set_route(
    network: &Network,
    table: &RouteTable,
    (destination, target): (&str, &str),
) -> Result<Empty, ServiceError> {
    if target.starts_with("igw-") && network.internet_gateway(target)?.vpc_id.as_ref() != Some(&table.vpc_id)
    {
        let message =
            format!("route table {} and network gateway {target} belong to different networks", table.id);
        return Err(ServiceError::new("InvalidParameterValue", message));
    }
    if target.starts_with("nat-") && !network.nat_gateways.contains(target) {
        return Err(not_found("InvalidNatGatewayID.NotFound", "natGateway ID", target));
    }
    let route = (destination.to_owned(), target.to_owned());
    network.route_tables.update(&table.id, |row| row.routes.extend([route]))?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRoute {
    pub route_table_id: String,
    pub destination_cidr_block: String,
}

pub(super) fn delete_route(input: DeleteRoute, network: &Network, _: &Cloud) -> Result<Empty, ServiceError> {
    let table = network.route_table(&input.route_table_id)?;
    let removed =
        network.route_tables.update(&table.id, |row| row.routes.remove(&input.destination_cidr_block))?;
    match removed.flatten() {
        Some(_) => Ok(Empty {}),
        None => Err(no_such_route(&table.id, &input.destination_cidr_block)),
    }
}

fn no_such_route(table: &str, destination: &str) -> ServiceError {
    let message = format!("no route with destination-cidr-block {destination} in route table {table}");
    ServiceError::new("InvalidRoute.NotFound", message)
}
