//! What EC2 is asked over HTTP: who may come in by a security group.

use serde::{Deserialize, Serialize};

use super::super::store::{Network, RulePeer};
use super::rules::{self, AuthorizeSecurityGroupRules, NewRule, RevokeSecurityGroupRules};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// The rules that both operations name: by `IpPermissions`, or one range by itself.
#[derive(Debug, Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Named {
    group_id: String,
    ip_permissions: Vec<Permission>,
    ip_protocol: Option<String>,
    from_port: Option<i64>,
    to_port: Option<i64>,
    cidr_ip: Option<String>,
    // Not meant here, and refused.
    dry_run: bool,
    group_name: Option<String>,
    source_security_group_name: Option<String>,
    tag_specifications: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Permission {
    ip_protocol: String,
    from_port: Option<i64>,
    to_port: Option<i64>,
    ip_ranges: Vec<IpRange>,
    user_id_group_pairs: Vec<GroupPair>,
    ipv6_ranges: Vec<serde_json::Value>,
    prefix_list_ids: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct IpRange {
    cidr_ip: String,
    description: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GroupPair {
    group_id: String,
    description: Option<String>,
}

impl Named {
    /// # Errors
    /// `MissingParameter` and `InvalidParameterValue` as EC2 has them (API reference, client error codes); for what is
    /// not served, by its name.
    fn rules(self) -> Result<(String, Vec<NewRule>), ServiceError> {
        let unmeant = [
            ("DryRun", self.dry_run),
            ("GroupName", self.group_name.is_some()),
            ("SourceSecurityGroupName", self.source_security_group_name.is_some()),
            ("TagSpecifications", !self.tag_specifications.is_empty()),
        ];
        if let Some((name, _)) = unmeant.iter().find(|(_, given)| *given) {
            let message = format!("The local cloud does not serve the parameter {name}");
            return Err(ServiceError::new("UnsupportedOperation", message));
        }
        if self.group_id.is_empty() {
            return Err(missing("groupId"));
        }
        let mut permissions = self.ip_permissions;
        if let Some(cidr_ip) = self.cidr_ip {
            permissions.push(Permission {
                ip_protocol: self.ip_protocol.unwrap_or_default(),
                from_port: self.from_port,
                to_port: self.to_port,
                ip_ranges: vec![IpRange { cidr_ip, description: None }],
                ..Permission::default()
            });
        }
        if permissions.is_empty() {
            return Err(missing("ipPermissions"));
        }
        let rules: Result<Vec<_>, _> = permissions.into_iter().map(Permission::rules).collect();
        Ok((self.group_id, rules?.concat()))
    }
}

impl Permission {
    /// One rule for each range and each group.
    fn rules(self) -> Result<Vec<NewRule>, ServiceError> {
        if !self.ipv6_ranges.is_empty() || !self.prefix_list_ids.is_empty() {
            let message = "The local cloud serves IPv4 ranges and security groups only";
            return Err(ServiceError::new("UnsupportedOperation", message));
        }
        let ip_protocol = match self.ip_protocol.as_str() {
            "" => return Err(missing("ipProtocol")),
            "6" => "tcp".to_owned(),
            protocol => protocol.to_lowercase(),
        };
        let (from_port, to_port) = match ip_protocol.as_str() {
            "-1" => (-1, -1),
            _ => match (self.from_port, self.to_port) {
                (Some(from), Some(to)) if (0..=65_535).contains(&from) && (from..=65_535).contains(&to) => {
                    (from, to)
                }
                (Some(from), Some(to)) => {
                    let message = format!("Invalid TCP port range ({from}:{to})");
                    return Err(ServiceError::new("InvalidParameterValue", message));
                }
                _ => return Err(missing("fromPort and toPort")),
            },
        };
        let ranges = self.ip_ranges.into_iter().map(|it| (RulePeer::Cidr(it.cidr_ip), it.description));
        let groups =
            self.user_id_group_pairs.into_iter().map(|it| (RulePeer::Group(it.group_id), it.description));
        let rules: Vec<NewRule> = ranges
            .chain(groups)
            .map(|(peer, description)| NewRule {
                ip_protocol: ip_protocol.clone(),
                from_port,
                to_port,
                peer,
                description,
            })
            .collect();
        if rules.is_empty() { Err(missing("source of the rule")) } else { Ok(rules) }
    }
}

fn missing(name: &str) -> ServiceError {
    let message = format!("The request must contain the parameter {name}");
    ServiceError::new("MissingParameter", message)
}

/// Adds rules to a group.
#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct AuthorizeSecurityGroupIngress(Named);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuthorizeSecurityGroupIngressOutput {
    r#return: bool,
    security_group_rules: Vec<MadeRule>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MadeRule {
    security_group_rule_id: String,
    group_id: String,
    is_egress: bool,
}

pub(super) fn authorize(
    input: AuthorizeSecurityGroupIngress,
    network: &Network,
    cloud: &Cloud,
) -> Result<AuthorizeSecurityGroupIngressOutput, ServiceError> {
    let (group_id, rules) = input.0.rules()?;
    let asked = AuthorizeSecurityGroupRules {
        group_id: group_id.clone(),
        is_egress: false,
        rules,
        client_token: None,
    };
    let made = rules::authorize(asked, network, cloud)?.security_group_rule_ids.into_iter();
    let made =
        made.map(|id| MadeRule { security_group_rule_id: id, group_id: group_id.clone(), is_egress: false });
    Ok(AuthorizeSecurityGroupIngressOutput { r#return: true, security_group_rules: made.collect() })
}

/// Takes rules from a group: by what they say, or by their ids.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RevokeSecurityGroupIngress {
    #[serde(default)]
    security_group_rule_ids: Vec<String>,
    #[serde(flatten)]
    named: Named,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RevokeSecurityGroupIngressOutput {
    r#return: bool,
}

pub(super) fn revoke(
    input: RevokeSecurityGroupIngress,
    network: &Network,
    cloud: &Cloud,
) -> Result<RevokeSecurityGroupIngressOutput, ServiceError> {
    let ids = input.security_group_rule_ids;
    let (group_id, rules) =
        if ids.is_empty() { input.named.rules()? } else { (input.named.group_id, Vec::new()) };
    let asked = RevokeSecurityGroupRules { group_id, is_egress: false, rules, security_group_rule_ids: ids };
    rules::revoke(asked, network, cloud)?;
    Ok(RevokeSecurityGroupIngressOutput { r#return: true })
}
