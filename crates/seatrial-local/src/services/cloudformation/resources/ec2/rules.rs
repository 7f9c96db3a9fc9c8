//! Rules of security groups: as they stand in a group, and as resources of their own.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Attributes, Change, Created, Number, Resource, ResourceContext, attributes, gone};
use crate::error::ServiceError;
use crate::services::ec2::{
    AuthorizeSecurityGroupRules, DescribeSecurityGroupRules, NewRule, RevokeSecurityGroupRules, RulePeer,
    SecurityGroupRule,
};

/// A rule as all three types write it. `group_id` only in a resource of its own.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RuleProperties {
    group_id: Option<String>,
    ip_protocol: String,
    from_port: Option<Number>,
    to_port: Option<Number>,
    cidr_ip: Option<String>,
    cidr_ipv6: Option<String>,
    source_security_group_id: Option<String>,
    destination_security_group_id: Option<String>,
    source_prefix_list_id: Option<String>,
    destination_prefix_list_id: Option<String>,
    description: Option<String>,
}

impl RuleProperties {
    pub(super) fn rule(&self) -> Result<NewRule, ServiceError> {
        let group = self.source_security_group_id.as_ref().or(self.destination_security_group_id.as_ref());
        let prefix_list = self.source_prefix_list_id.as_ref().or(self.destination_prefix_list_id.as_ref());
        let other = self.cidr_ipv6.as_ref().or(prefix_list);
        let peer = (self.cidr_ip.clone().map(RulePeer::Cidr))
            .or_else(|| group.cloned().map(RulePeer::Group))
            .or_else(|| other.cloned().map(RulePeer::Other))
            .ok_or_else(|| {
                let message =
                    "a security group rule needs an address range, a security group or a prefix list";
                ServiceError::new("InvalidParameterValue", message)
            })?;
        Ok(NewRule {
            ip_protocol: self.ip_protocol.clone(),
            from_port: self.from_port.map_or(-1, |port| port.0),
            to_port: self.to_port.map_or(-1, |port| port.0),
            peer,
            description: self.description.clone(),
        })
    }

    pub(super) fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn group_id(&self) -> Result<String, ServiceError> {
        let missing = || ServiceError::new("InvalidRequest", "GroupId must be given");
        self.group_id.clone().ok_or_else(missing)
    }
}

/// A rule as a template writes it.
pub(super) fn written(rule: &SecurityGroupRule) -> Value {
    let [group, list] = match rule.is_egress {
        true => ["DestinationSecurityGroupId", "DestinationPrefixListId"],
        false => ["SourceSecurityGroupId", "SourcePrefixListId"],
    };
    let (peer, value) = match &rule.peer {
        RulePeer::Cidr(range) => ("CidrIp", range),
        RulePeer::Group(id) => (group, id),
        RulePeer::Other(range) if range.contains(':') => ("CidrIpv6", range),
        RulePeer::Other(id) => (list, id),
    };
    json!({
        "GroupId": rule.group_id, "IpProtocol": rule.ip_protocol, "FromPort": rule.from_port,
        "ToPort": rule.to_port, "Description": rule.description, peer: value,
    })
}

async fn read(ctx: &ResourceContext, id: &str) -> Result<Option<Value>, ServiceError> {
    match ctx.cloud.call(&ctx.principal, DescribeSecurityGroupRules::of_id(id)).await {
        Ok(found) => Ok(found.rules.first().map(written)),
        Err(error) if error.code == "InvalidSecurityGroupRuleId.NotFound" => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) struct SecurityGroupIngress;
pub(super) struct SecurityGroupEgress;

async fn create(
    ctx: &ResourceContext,
    properties: RuleProperties,
    is_egress: bool,
) -> Result<Created, ServiceError> {
    let input = AuthorizeSecurityGroupRules {
        group_id: properties.group_id()?,
        is_egress,
        rules: vec![properties.rule()?],
        client_token: Some(ctx.client_token()),
    };
    let ids = ctx.cloud.call(&ctx.principal, input).await?.security_group_rule_ids;
    let physical_id = ids.into_iter().next().unwrap_or_default();
    Ok(Created { attributes: attributes([("Id", json!(physical_id))]), physical_id })
}

async fn delete(
    ctx: &ResourceContext,
    physical_id: &str,
    (properties, is_egress): (RuleProperties, bool),
) -> Result<(), ServiceError> {
    let input = RevokeSecurityGroupRules {
        group_id: properties.group_id()?,
        is_egress,
        rules: Vec::new(),
        security_group_rule_ids: vec![physical_id.to_owned()],
    };
    let revoked = gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidSecurityGroupRuleId.NotFound");
    gone(revoked, "InvalidGroup.NotFound")
}

macro_rules! rule_resource {
    ($type:ident, $name:literal, $is_egress:literal) => {
        impl Resource for $type {
            const TYPE: &'static str = $name;
            type Properties = RuleProperties;

            async fn create(
                ctx: &ResourceContext,
                properties: RuleProperties,
            ) -> Result<Created, ServiceError> {
                create(ctx, properties, $is_egress).await
            }

            /// Only the description can change in place.
            async fn update(
                _ctx: &ResourceContext,
                physical_id: &str,
                _change: Change<RuleProperties>,
            ) -> Result<Attributes, ServiceError> {
                Ok(attributes([("Id", json!(physical_id))]))
            }

            const READABLE: bool = true;

            async fn read(
                ctx: &ResourceContext,
                id: &str,
                _: RuleProperties,
            ) -> Result<Option<Value>, ServiceError> {
                read(ctx, id).await
            }

            async fn delete(
                ctx: &ResourceContext,
                physical_id: &str,
                properties: RuleProperties,
            ) -> Result<(), ServiceError> {
                delete(ctx, physical_id, (properties, $is_egress)).await
            }
        }
    };
}

rule_resource!(SecurityGroupIngress, "AWS::EC2::SecurityGroupIngress", false);
rule_resource!(SecurityGroupEgress, "AWS::EC2::SecurityGroupEgress", true);
