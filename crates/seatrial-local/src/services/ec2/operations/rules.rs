//! Rules of security groups.

use serde::{Deserialize, Serialize};

use super::super::cidr::Cidr;
use super::super::store::{Network, RulePeer, SecurityGroupRule};
use super::{Empty, new_id};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Adds rules of one direction: AWS's `AuthorizeSecurityGroupIngress` and `…Egress` in one.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuthorizeSecurityGroupRules {
    pub group_id: String,
    pub is_egress: bool,
    pub rules: Vec<NewRule>,
    pub client_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
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

/// The rules of a group, in both directions, or those of the ids given; of both, where both are given.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeSecurityGroupRules {
    filters: Vec<Filter>,
    security_group_rule_ids: Vec<String>,
    // Not meant here, and refused. The page is cut where HTTP comes in.
    dry_run: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    name: String,
    #[serde(default)]
    values: Vec<String>,
}

impl DescribeSecurityGroupRules {
    pub fn of_group(id: &str) -> Self {
        let filter = Filter { name: "group-id".to_owned(), values: vec![id.to_owned()] };
        Self { filters: vec![filter], ..Self::default() }
    }

    pub fn of_id(id: &str) -> Self {
        Self { security_group_rule_ids: vec![id.to_owned()], ..Self::default() }
    }

    fn unmeant(&self) -> Option<String> {
        let filter = self.filters.iter().find(|filter| filter.name != "group-id");
        let filter = filter.map(|filter| format!("the filter {}", filter.name));
        self.dry_run.then(|| "the parameter DryRun".to_owned()).or(filter)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeSecurityGroupRulesOutput {
    /// As they are kept, for callers in this process.
    #[serde(skip)]
    pub rules: Vec<SecurityGroupRule>,
    security_group_rules: Vec<Told>,
}

/// A rule as EC2's API has it.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Told {
    security_group_rule_id: String,
    group_id: String,
    group_owner_id: String,
    is_egress: bool,
    ip_protocol: String,
    from_port: i64,
    to_port: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_ipv4: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_ipv6: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_list_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referenced_group_info: Option<Referenced>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Referenced {
    group_id: String,
    user_id: String,
}

impl Told {
    fn of(rule: &SecurityGroupRule, account: &str) -> Self {
        let told = Self {
            security_group_rule_id: rule.security_group_rule_id.clone(),
            group_id: rule.group_id.clone(),
            group_owner_id: account.to_owned(),
            is_egress: rule.is_egress,
            ip_protocol: rule.ip_protocol.clone(),
            from_port: rule.from_port,
            to_port: rule.to_port,
            description: rule.description.clone(),
            ..Self::default()
        };
        let peer = rule.peer.clone();
        match peer {
            RulePeer::Cidr(range) => Self { cidr_ipv4: Some(range), ..told },
            RulePeer::Other(range) if range.contains(':') => Self { cidr_ipv6: Some(range), ..told },
            RulePeer::Other(list) => Self { prefix_list_id: Some(list), ..told },
            RulePeer::Group(group_id) => {
                let info = Referenced { group_id, user_id: account.to_owned() };
                Self { referenced_group_info: Some(info), ..told }
            }
        }
    }
}

/// # Errors
/// `InvalidSecurityGroupRuleId.NotFound`; for what is not served, by its name.
pub(super) fn describe_security_group_rules(
    input: DescribeSecurityGroupRules,
    network: &Network,
    cloud: &Cloud,
) -> Result<DescribeSecurityGroupRulesOutput, ServiceError> {
    if let Some(name) = input.unmeant() {
        let message = format!("The local cloud does not serve {name}");
        return Err(ServiceError::new("UnsupportedOperation", message));
    }
    let ids = &input.security_group_rule_ids;
    if let Some(id) = ids.iter().find(|id| network.rules.get(id).is_none()) {
        return Err(no_rule(id));
    }
    let mut rules = network.rules.values();
    rules.retain(|rule| {
        (ids.is_empty() || ids.contains(&rule.security_group_rule_id))
            && input.filters.iter().all(|filter| filter.values.contains(&rule.group_id))
    });
    let security_group_rules = rules.iter().map(|rule| Told::of(rule, cloud.account())).collect();
    Ok(DescribeSecurityGroupRulesOutput { rules, security_group_rules })
}

fn no_rule(id: &str) -> ServiceError {
    let message = format!("The security group rule ID '{id}' does not exist");
    ServiceError::new("InvalidSecurityGroupRuleId.NotFound", message)
}

/// Removes rules of one direction, by id or by what they say.
#[derive(Deserialize, Serialize)]
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
            return Err(no_rule(&id));
        }
    }
    Ok(Empty {})
}
