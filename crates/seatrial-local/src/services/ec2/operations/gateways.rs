//! Ways in and out of a VPC: internet gateways, addresses, NAT gateways, endpoints.

use serde::{Deserialize, Serialize};

use super::super::store::{Address, InternetGateway, NatGateway, Network, Tags, VpcEndpoint, not_found};
use super::{Empty, Made, dependency_violation, new_id};
use crate::cloud::Cloud;
use crate::error::ServiceError;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateInternetGateway {
    pub client_token: Option<String>,
    pub tags: Tags,
}

pub(super) fn create_internet_gateway(
    input: CreateInternetGateway,
    network: &Network,
    _: &Cloud,
) -> Result<Made, ServiceError> {
    let id = new_id("igw", input.client_token.as_deref());
    network
        .internet_gateways
        .insert_new(&id, &InternetGateway { id: id.clone(), vpc_id: None, tags: input.tags })?;
    Ok(Made { id })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteInternetGateway {
    pub internet_gateway_id: String,
}

pub(super) fn delete_internet_gateway(
    input: DeleteInternetGateway,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let gateway = network.internet_gateway(&input.internet_gateway_id)?;
    if gateway.vpc_id.is_some() {
        return Err(dependency_violation(format!(
            "The internetGateway '{}' has dependencies and cannot be deleted.",
            gateway.id
        )));
    }
    network.internet_gateways.remove(&gateway.id)?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachInternetGateway {
    pub internet_gateway_id: String,
    pub vpc_id: String,
}

pub(super) fn attach_internet_gateway(
    input: AttachInternetGateway,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let vpc = network.vpc(&input.vpc_id)?;
    let gateway = network.internet_gateway(&input.internet_gateway_id)?;
    let attached = network.gateway_of(&vpc.vpc_id).filter(|other| other.id != gateway.id);
    if let Some(vpc_id) =
        gateway.vpc_id.filter(|other| *other != vpc.vpc_id).or(attached.map(|_| vpc.vpc_id.clone()))
    {
        let message = format!("resource {} is already attached to network {vpc_id}", gateway.id);
        return Err(ServiceError::new("Resource.AlreadyAssociated", message));
    }
    network.internet_gateways.update(&gateway.id, |row| row.vpc_id = Some(vpc.vpc_id.clone()))?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DetachInternetGateway {
    pub internet_gateway_id: String,
    pub vpc_id: String,
}

pub(super) fn detach_internet_gateway(
    input: DetachInternetGateway,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let gateway = network.internet_gateway(&input.internet_gateway_id)?;
    if gateway.vpc_id.as_ref() != Some(&input.vpc_id) {
        let message = format!("resource {} is not attached to network {}", gateway.id, input.vpc_id);
        return Err(ServiceError::new("Gateway.NotAttached", message));
    }
    if network.nat_gateways.find(|nat| nat.vpc_id == input.vpc_id).is_some() {
        return Err(dependency_violation(format!(
            "Network {} has some mapped public address(es). Please unmap those public address(es) before \
             detaching the gateway.",
            input.vpc_id
        )));
    }
    network.internet_gateways.update(&gateway.id, |row| row.vpc_id = None)?;
    Ok(Empty {})
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AllocateAddress {
    pub client_token: Option<String>,
    pub tags: Tags,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AllocateAddressOutput {
    pub allocation_id: String,
    /// From the range that is reserved for documentation: it leads nowhere.
    pub public_ip: String,
}

pub(super) fn allocate_address(
    input: AllocateAddress,
    network: &Network,
    _: &Cloud,
) -> Result<AllocateAddressOutput, ServiceError> {
    let allocation_id = new_id("eipalloc", input.client_token.as_deref());
    if let Some(made) = network.addresses.get(&allocation_id) {
        return Ok(AllocateAddressOutput { allocation_id, public_ip: made.public_ip });
    }
    let used: Vec<String> = network.addresses.values().into_iter().map(|address| address.public_ip).collect();
    let free = (1..255).map(|host| format!("198.51.100.{host}")).find(|address| !used.contains(address));
    let public_ip = free.ok_or_else(|| {
        ServiceError::new("AddressLimitExceeded", "The maximum number of addresses has been reached.")
    })?;
    let address =
        Address { allocation_id: allocation_id.clone(), public_ip: public_ip.clone(), tags: input.tags };
    network.addresses.put(&allocation_id, &address)?;
    Ok(AllocateAddressOutput { allocation_id, public_ip })
}

/// By allocation id or by address.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ReleaseAddress {
    pub allocation_id: Option<String>,
    pub public_ip: Option<String>,
}

pub(super) fn release_address(
    input: ReleaseAddress,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let wanted = |address: &Address| {
        input.allocation_id.as_ref() == Some(&address.allocation_id)
            || input.public_ip.as_ref() == Some(&address.public_ip)
    };
    let Some(address) = network.addresses.find(wanted) else {
        let id = input.allocation_id.or(input.public_ip).unwrap_or_default();
        return Err(not_found("InvalidAllocationID.NotFound", "allocation ID", &id));
    };
    if network.nat_gateways.find(|nat| nat.allocation_id.as_ref() == Some(&address.allocation_id)).is_some() {
        let message = format!("Address {} is in use.", address.public_ip);
        return Err(ServiceError::new("InvalidIPAddress.InUse", message));
    }
    network.addresses.remove(&address.allocation_id)?;
    Ok(Empty {})
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateNatGateway {
    pub subnet_id: String,
    pub allocation_id: Option<String>,
    pub client_token: Option<String>,
    pub tags: Tags,
}

pub(super) fn create_nat_gateway(
    input: CreateNatGateway,
    network: &Network,
    _: &Cloud,
) -> Result<Made, ServiceError> {
    let id = new_id("nat", input.client_token.as_deref());
    let vpc_id = network.subnet(&input.subnet_id)?.vpc_id;
    if network.gateway_of(&vpc_id).is_none() {
        let message = format!("Network {vpc_id} has no Internet gateway attached");
        return Err(ServiceError::new("Gateway.NotAttached", message));
    }
    if let Some(allocation) = input.allocation_id.as_ref().filter(|id| !network.addresses.contains(id)) {
        return Err(not_found("InvalidAllocationID.NotFound", "allocation ID", allocation));
    }
    let nat = NatGateway {
        id: id.clone(),
        vpc_id,
        subnet_id: input.subnet_id,
        allocation_id: input.allocation_id,
        tags: input.tags,
    };
    network.nat_gateways.put(&id, &nat)?;
    Ok(Made { id })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteNatGateway {
    pub nat_gateway_id: String,
}

pub(super) fn delete_nat_gateway(
    input: DeleteNatGateway,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    match network.nat_gateways.remove(&input.nat_gateway_id)? {
        Some(_) => Ok(Empty {}),
        None => Err(nat_gateway_not_found(&input.nat_gateway_id)),
    }
}

pub(super) fn nat_gateway_not_found(id: &str) -> ServiceError {
    ServiceError::new("NatGatewayNotFound", format!("The Nat Gateway {id} was not found"))
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateVpcEndpoint {
    pub vpc_id: String,
    pub service_name: String,
    /// `Gateway` unless told otherwise.
    pub vpc_endpoint_type: Option<String>,
    pub route_table_ids: Vec<String>,
    pub subnet_ids: Vec<String>,
    pub security_group_ids: Vec<String>,
    pub client_token: Option<String>,
    pub tags: Tags,
}

pub(super) fn create_vpc_endpoint(
    input: CreateVpcEndpoint,
    network: &Network,
    _: &Cloud,
) -> Result<VpcEndpoint, ServiceError> {
    let vpc = network.vpc(&input.vpc_id)?;
    for table in &input.route_table_ids {
        network.route_table(table)?;
    }
    let endpoint = VpcEndpoint {
        vpc_endpoint_id: new_id("vpce", input.client_token.as_deref()),
        vpc_id: vpc.vpc_id,
        service_name: input.service_name,
        vpc_endpoint_type: input.vpc_endpoint_type.unwrap_or_else(|| "Gateway".to_owned()),
        route_table_ids: input.route_table_ids,
        subnet_ids: input.subnet_ids,
        security_group_ids: input.security_group_ids,
        tags: input.tags,
    };
    network.endpoints.put(&endpoint.vpc_endpoint_id, &endpoint)?;
    Ok(endpoint)
}

/// Sets where the endpoint is.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModifyVpcEndpoint {
    pub vpc_endpoint_id: String,
    pub route_table_ids: Vec<String>,
    pub subnet_ids: Vec<String>,
    pub security_group_ids: Vec<String>,
}

pub(super) fn modify_vpc_endpoint(
    input: ModifyVpcEndpoint,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let changed = network.endpoints.update(&input.vpc_endpoint_id, |row| {
        row.route_table_ids = input.route_table_ids;
        row.subnet_ids = input.subnet_ids;
        row.security_group_ids = input.security_group_ids;
    })?;
    changed.map(|()| Empty {}).ok_or_else(|| no_such_endpoint(&input.vpc_endpoint_id))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteVpcEndpoint {
    pub vpc_endpoint_id: String,
}

pub(super) fn delete_vpc_endpoint(
    input: DeleteVpcEndpoint,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let removed = network.endpoints.remove(&input.vpc_endpoint_id)?;
    removed.map(|_| Empty {}).ok_or_else(|| no_such_endpoint(&input.vpc_endpoint_id))
}

pub(super) fn no_such_endpoint(id: &str) -> ServiceError {
    not_found("InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id", id)
}
