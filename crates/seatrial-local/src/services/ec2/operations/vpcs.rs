//! VPCs and subnets.

use serde::{Deserialize, Serialize};

use super::super::cidr::Cidr;
use super::super::store::{Network, RouteTable, Subnet, Tags, Vpc};
use super::groups::{default_group, remove_group};
use super::{Empty, dependency_violation, new_id};
use crate::cloud::Cloud;
use crate::error::ServiceError;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateVpc {
    pub cidr_block: String,
    pub client_token: Option<String>,
    pub tags: Tags,
}

pub(super) fn create_vpc(input: CreateVpc, network: &Network, _: &Cloud) -> Result<Vpc, ServiceError> {
    let vpc_id = new_id("vpc", input.client_token.as_deref());
    if let Some(made) = network.vpcs.get(&vpc_id) {
        return Ok(made);
    }
    if !Cidr::parse(&input.cidr_block)?.is_vpc_size() {
        let message = format!("The CIDR '{}' is invalid.", input.cidr_block);
        return Err(ServiceError::new("InvalidVpc.Range", message));
    }
    let table = RouteTable {
        id: new_id("rtb", Some(&vpc_id)),
        vpc_id: vpc_id.clone(),
        main: true,
        routes: [(input.cidr_block.clone(), "local".to_owned())].into(),
        associations: Default::default(),
        tags: Tags::new(),
    };
    network.route_tables.put(&table.id, &table)?;
    let default_security_group = default_group(network, &vpc_id)?;
    let vpc = Vpc { vpc_id, cidr_block: input.cidr_block, default_security_group, tags: input.tags };
    network.vpcs.put(&vpc.vpc_id, &vpc)?;
    Ok(vpc)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteVpc {
    pub vpc_id: String,
}

pub(super) fn delete_vpc(input: DeleteVpc, network: &Network, _: &Cloud) -> Result<Empty, ServiceError> {
    let vpc = network.vpc(&input.vpc_id)?;
    let id = &vpc.vpc_id;
    let own_group = |group_id: &str| group_id == vpc.default_security_group;
    let used = network.subnets.find(|subnet| subnet.vpc_id == *id).is_some()
        || network.gateway_of(id).is_some()
        || network.route_tables.find(|table| table.vpc_id == *id && !table.main).is_some()
        || network.endpoints.find(|endpoint| endpoint.vpc_id == *id).is_some()
        || network.groups.find(|group| group.vpc_id == *id && !own_group(&group.group_id)).is_some();
    if used {
        return Err(dependency_violation(format!("The vpc '{id}' has dependencies and cannot be deleted.")));
    }
    if let Some(table) = network.route_tables.find(|table| table.vpc_id == *id) {
        network.route_tables.remove(&table.id)?;
    }
    remove_group(network, &vpc.default_security_group)?;
    network.vpcs.remove(id)?;
    Ok(Empty {})
}

/// All VPCs, or those of the ids given.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeVpcs {
    pub vpc_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeVpcsOutput {
    pub vpcs: Vec<Vpc>,
}

pub(super) fn describe_vpcs(
    input: DescribeVpcs,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeVpcsOutput, ServiceError> {
    let vpcs = match input.vpc_ids.as_slice() {
        [] => network.vpcs.values(),
        ids => ids.iter().map(|id| network.vpc(id)).collect::<Result<_, _>>()?,
    };
    Ok(DescribeVpcsOutput { vpcs })
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateSubnet {
    pub vpc_id: String,
    pub cidr_block: String,
    /// The region's first zone unless told otherwise.
    pub availability_zone: Option<String>,
    pub map_public_ip_on_launch: bool,
    pub client_token: Option<String>,
    pub tags: Tags,
}

pub(super) fn create_subnet(
    input: CreateSubnet,
    network: &Network,
    cloud: &Cloud,
) -> Result<Subnet, ServiceError> {
    let subnet_id = new_id("subnet", input.client_token.as_deref());
    if let Some(made) = network.subnets.get(&subnet_id) {
        return Ok(made);
    }
    let vpc = network.vpc(&input.vpc_id)?;
    let range = Cidr::parse(&input.cidr_block)?;
    if !range.is_vpc_size() || !Cidr::parse(&vpc.cidr_block)?.contains(range) {
        let message = format!("The CIDR '{}' is invalid.", input.cidr_block);
        return Err(ServiceError::new("InvalidSubnet.Range", message));
    }
    for other in network.subnets.values().iter().filter(|other| other.vpc_id == input.vpc_id) {
        if Cidr::parse(&other.cidr_block)?.overlaps(range) {
            let message = format!("The CIDR '{}' conflicts with another subnet", input.cidr_block);
            return Err(ServiceError::new("InvalidSubnet.Conflict", message));
        }
    }
    let subnet = Subnet {
        subnet_id,
        vpc_id: input.vpc_id,
        cidr_block: input.cidr_block,
        availability_zone: input.availability_zone.unwrap_or_else(|| format!("{}a", cloud.region())),
        map_public_ip_on_launch: input.map_public_ip_on_launch,
        tags: input.tags,
    };
    network.subnets.put(&subnet.subnet_id, &subnet)?;
    Ok(subnet)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteSubnet {
    pub subnet_id: String,
}

pub(super) fn delete_subnet(
    input: DeleteSubnet,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let subnet = network.subnet(&input.subnet_id)?;
    if network.nat_gateways.find(|nat| nat.subnet_id == subnet.subnet_id).is_some() {
        return Err(dependency_violation(format!(
            "The subnet '{}' has dependencies and cannot be deleted.",
            subnet.subnet_id
        )));
    }
    for table in network.route_tables.values() {
        if table.associations.values().any(|associated| *associated == subnet.subnet_id) {
            network.route_tables.update(&table.id, |row| {
                row.associations.retain(|_, associated| *associated != subnet.subnet_id);
            })?;
        }
    }
    network.subnets.remove(&subnet.subnet_id)?;
    Ok(Empty {})
}

/// All subnets, or those of the ids given.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeSubnets {
    pub subnet_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeSubnetsOutput {
    /// In the order of the ids given.
    pub subnets: Vec<Subnet>,
}

pub(super) fn describe_subnets(
    input: DescribeSubnets,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeSubnetsOutput, ServiceError> {
    let subnets = match input.subnet_ids.as_slice() {
        [] => network.subnets.values(),
        ids => ids.iter().map(|id| network.subnet(id)).collect::<Result<_, _>>()?,
    };
    Ok(DescribeSubnetsOutput { subnets })
}
