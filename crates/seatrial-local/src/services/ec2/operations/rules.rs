//! Rules of security groups.

use serde::{Deserialize, Serialize};

use super::super::cidr::Cidr;
use super::super::store::{Network, RulePeer, SecurityGroupRule};
use super::{Empty, new_id};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Adds rules of one direction: AWS's `AuthorizeSecurityGroupIngress` and `…Egress` in one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuthorizeSecurityGroupRules {
    pub group_id: String,
    pub is_egress: bool,
    pub rules: Vec<NewRule>,
    pub client_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NewRule {
    pub ip_protocol: String,
    /// -1, as `to_port`, stands for all.
    pub from_port: i64,
    pub to_port: i64,
    pub peer: RulePeer,
    pub description: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuthorizeSecurityGroupRulesOutput {
    pub security_group_rule_ids: Vec<String>,
}

pub(super) fn authorize(
    input: AuthorizeSecurityGroupRules,
    network: &Network,
    _: &Cloud,
) -> Result<AuthorizeSecurityGroupRulesOutput, ServiceError> {
    let group = network.group(&input.group_id)?;
    let mut added = Vec::new();
    for (index, rule) in input.rules.into_iter().enumerate() {
        match &rule.peer {
            RulePeer::Group(id) => drop(network.group(id)?),
            RulePeer::Cidr(range) => drop(Cidr::parse(range)?),
            RulePeer::Other(_) => {}
        }
        let token = input.client_token.as_ref().map(|token| format!("{token}/{}/{index}", input.is_egress));
        let id = new_id("sgr", token.as_deref());
        let existing = network.rules_of(&group.group_id, input.is_egress);
        let twin = existing.iter().find(|other| rule.is(other));
        if twin.is_some_and(|other| other.security_group_rule_id != id) {
            let message = format!("the specified rule \"{}\" already exists", rule.words());
            return Err(ServiceError::new("InvalidPermission.Duplicate", message));
        }
        added.push(SecurityGroupRule {
            security_group_rule_id: id,
            group_id: group.group_id.clone(),
            is_egress: input.is_egress,
            ip_protocol: rule.ip_protocol,
            from_port: rule.from_port,
            to_port: rule.to_port,
            peer: rule.peer,
            description: rule.description,
            stands_alone: input.client_token.is_some(),
        });
    }
    for rule in &added {
        network.rules.put(&rule.security_group_rule_id, rule)?;
    }
    let ids = added.into_iter().map(|rule| rule.security_group_rule_id);
    Ok(AuthorizeSecurityGroupRulesOutput { security_group_rule_ids: ids.collect() })
}

impl NewRule {
    /// Whether the rule of the table says the same; descriptions do not count.
    fn is(&self, other: &SecurityGroupRule) -> bool {
        self.ip_protocol == other.ip_protocol
            && (self.from_port, self.to_port) == (other.from_port, other.to_port)
            && self.peer == other.peer
    }

    fn words(&self) -> String {
        let (RulePeer::Cidr(peer) | RulePeer::Other(peer) | RulePeer::Group(peer)) = &self.peer;
        let (protocol, from, to) = (&self.ip_protocol, self.from_port, self.to_port);
        format!("peer: {peer}, {protocol}, from port: {from}, to port: {to}, ALLOW")
    }
}

/// The rules of a group, in both directions, or those of the ids given.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeSecurityGroupRules {
    pub group_id: Option<String>,
    pub security_group_rule_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeSecurityGroupRulesOutput {
    pub security_group_rules: Vec<SecurityGroupRule>,
}

pub(super) fn describe_security_group_rules(
    input: DescribeSecurityGroupRules,
    network: &Network,
    _: &Cloud,
) -> Result<DescribeSecurityGroupRulesOutput, ServiceError> {
    let mut rules = network.rules.values();
    rules.retain(|rule| match &input.group_id {
        Some(group_id) => rule.group_id == *group_id,
        None => input.security_group_rule_ids.contains(&rule.security_group_rule_id),
    });
    Ok(DescribeSecurityGroupRulesOutput { security_group_rules: rules })
}

/// Removes rules of one direction, by id or by what they say.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RevokeSecurityGroupRules {
    pub group_id: String,
    pub is_egress: bool,
    pub rules: Vec<NewRule>,
    pub security_group_rule_ids: Vec<String>,
}

pub(super) fn revoke(
    input: RevokeSecurityGroupRules,
    network: &Network,
    _: &Cloud,
) -> Result<Empty, ServiceError> {
    let group = network.group(&input.group_id)?;
    let existing = network.rules_of(&group.group_id, input.is_egress);
    let mut ids = input.security_group_rule_ids;
    for rule in &input.rules {
        let found = existing.iter().find(|other| rule.is(other)).ok_or_else(|| {
            let message = "The specified rule does not exist in this security group.";
            ServiceError::new("InvalidPermission.NotFound", message)
        })?;
        ids.push(found.security_group_rule_id.clone());
    }
    for id in ids {
        if network.rules.remove(&id)?.is_none() {
            let message = format!("The security group rule ID '{id}' does not exist");
            return Err(ServiceError::new("InvalidSecurityGroupRuleId.NotFound", message));
        }
    }
    Ok(Empty {})
}
