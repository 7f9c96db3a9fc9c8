//! Security groups.

use serde::{Deserialize, Serialize};

use super::super::store::{Network, RulePeer, SecurityGroup, SecurityGroupRule, Tags};
use super::{Empty, dependency_violation, new_id};
use crate::cloud::Cloud;
use crate::error::ServiceError;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateSecurityGroup {
    pub group_name: String,
    pub description: String,
    pub vpc_id: String,
    pub client_token: Option<String>,
    pub tags: Tags,
}

pub(super) fn create_security_group(
    input: CreateSecurityGroup,
    network: &Network,
    _: &Cloud,
) -> Result<SecurityGroup, ServiceError> {
    let group_id = new_id("sg", input.client_token.as_deref());
    if let Some(made) = network.groups.get(&group_id) {
        return Ok(made);
    }
    let vpc = network.vpc(&input.vpc_id)?;
    let same = |group: &SecurityGroup| group.vpc_id == vpc.vpc_id && group.group_name == input.group_name;
    if network.groups.find(same).is_some() {
        return Err(ServiceError::new(
            "InvalidGroup.Duplicate",
            format!("The security group '{}' already exists for VPC '{}'", input.group_name, vpc.vpc_id),
        ));
    }
    let group = SecurityGroup {
        group_id,
        group_name: input.group_name,
        vpc_id: input.vpc_id,
        description: input.description,
        tags: input.tags,
    };
    allow_all(network, &group.group_id, true, RulePeer::Cidr("0.0.0.0/0".to_owned()))?;
    network.groups.put(&group.group_id, &group)?;
    Ok(group)
}

/// The default group of a new VPC: its members talk to each other and to everybody outside.
pub(super) fn default_group(network: &Network, vpc_id: &str) -> Result<String, ServiceError> {
    let group = SecurityGroup {
        group_id: new_id("sg", Some(vpc_id)),
        group_name: "default".to_owned(),
        vpc_id: vpc_id.to_owned(),
        description: "default VPC security group".to_owned(),
        tags: Tags::new(),
    };
    allow_all(network, &group.group_id, true, RulePeer::Cidr("0.0.0.0/0".to_owned()))?;
    allow_all(network, &group.group_id, false, RulePeer::Group(group.group_id.clone()))?;
    network.groups.put(&group.group_id, &group)?;
    Ok(group.group_id)
}

fn allow_all(network: &Network, group_id: &str, is_egress: bool, peer: RulePeer) -> Result<(), ServiceError> {
    let rule = SecurityGroupRule {
        security_group_rule_id: new_id("sgr", Some(&format!("{group_id}/{is_egress}"))),
        group_id: group_id.to_owned(),
        is_egress,
        ip_protocol: "-1".to_owned(),
        from_port: -1,
        to_port: -1,
        peer,
        description: None,
        stands_alone: false,
    };
    Ok(network.rules.put(&rule.security_group_rule_id, &rule)?)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteSecurityGroup {
    pub group_id: String,
}

/// AWS refuses it of a VPC's default group, which goes with its VPC, and of a group that another's rule names,
/// or that a network interface is in.
pub(super) fn delete_security_group(
    input: DeleteSecurityGroup,
    network: &Network,
    cloud: &Cloud,
) -> Result<Empty, ServiceError> {
    let group = network.group(&input.group_id)?;
    let id = &group.group_id;
    if network.vpcs.find(|vpc| vpc.default_security_group == *id).is_some() {
        return Err(ServiceError::new(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    let names_it = |rule: &SecurityGroupRule| {
        rule.group_id != *id && matches!(&rule.peer, RulePeer::Group(peer) if peer == id)
    };
    let used = network.rules.find(names_it).is_some()
        || network.endpoints.find(|endpoint| endpoint.security_group_ids.contains(id)).is_some()
        || cloud.operations().is_group_in_use(cloud, id);
    if used {
        return Err(dependency_violation(format!("resource {id} has a dependent object")));
    }
    remove_group(network, id)?;
    Ok(Empty {})
}

pub(super) fn remove_group(network: &Network, group_id: &str) -> Result<(), ServiceError> {
    for rule in network.rules.values().iter().filter(|rule| rule.group_id == group_id) {
        network.rules.remove(&rule.security_group_rule_id)?;
    }
    network.groups.remove(group_id)?;
    Ok(())
}

/// All groups, or those of the ids given.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeSecurityGroups {
    pub group_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeSecurityGroupsOutput {
    pub security_groups: Vec<SecurityGroup>,
}

pub(super) fn describe_security_groups(
    input: DescribeSecurityGroups,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeSecurityGroupsOutput, ServiceError> {
    let security_groups = match input.group_ids.as_slice() {
        [] => network.groups.values(),
        ids => ids.iter().map(|id| network.group(id)).collect::<Result<_, _>>()?,
    };
    Ok(DescribeSecurityGroupsOutput { security_groups })
}
