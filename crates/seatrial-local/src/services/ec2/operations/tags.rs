//! Tags of whatever has them, by its id.

use serde::{Deserialize, Serialize};

use super::super::store::{Network, Tags};
use super::Empty;
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Adds tags to resources, or replaces those of the same key.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateTags {
    pub resources: Vec<String>,
    pub tags: Tags,
}

pub(super) fn create_tags(input: CreateTags, network: &Network, _: &Cloud) -> Result<Empty, ServiceError> {
    for id in &input.resources {
        change(network, id, |tags| tags.extend(input.tags.clone()))?;
    }
    Ok(Empty {})
}

/// Takes away the tags of these keys; one that is not there counts as taken away.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteTags {
    pub resources: Vec<String>,
    pub tag_keys: Vec<String>,
}

pub(super) fn delete_tags(input: DeleteTags, network: &Network, _: &Cloud) -> Result<Empty, ServiceError> {
    for id in &input.resources {
        change(network, id, |tags| tags.retain(|key, _| !input.tag_keys.contains(key)))?;
    }
    Ok(Empty {})
}

/// The tags of the resource `arn`, whose end is its id; `None`: it is not there.
pub(crate) fn tags_of(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    let network = cloud.part::<Network>();
    let (_, id) = arn.rsplit_once('/')?;
    let tags = match id.split_once('-')?.0 {
        "vpc" => network.vpcs.get(id)?.tags,
        "subnet" => network.subnets.get(id)?.tags,
        "rtb" => network.route_tables.get(id)?.tags,
        "igw" => network.internet_gateways.get(id)?.tags,
        "nat" => network.nat_gateways.get(id)?.tags,
        "eipalloc" => network.addresses.get(id)?.tags,
        "vpce" => network.endpoints.get(id)?.tags,
        "sg" => network.groups.get(id)?.tags,
        _ => return None,
    };
    Some(tags.into_iter().collect())
}

/// The kind of a resource is told by the form of its id.
fn change(network: &Network, id: &str, change: impl FnOnce(&mut Tags)) -> Result<(), ServiceError> {
    let prefix = id.split('-').next().unwrap_or_default();
    let changed = match prefix {
        "vpc" => network.vpcs.update(id, |row| change(&mut row.tags))?,
        "subnet" => network.subnets.update(id, |row| change(&mut row.tags))?,
        "rtb" => network.route_tables.update(id, |row| change(&mut row.tags))?,
        "igw" => network.internet_gateways.update(id, |row| change(&mut row.tags))?,
        "nat" => network.nat_gateways.update(id, |row| change(&mut row.tags))?,
        "eipalloc" => network.addresses.update(id, |row| change(&mut row.tags))?,
        "vpce" => network.endpoints.update(id, |row| change(&mut row.tags))?,
        "sg" => network.groups.update(id, |row| change(&mut row.tags))?,
        _ => None,
    };
    changed.ok_or_else(|| ServiceError::new("InvalidID", format!("The ID '{id}' is not valid")))
}
