//! Security groups with the rules that stand in them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Resource, ResourceContext, Tag, answered, attributes, gone, tagged, told,
};
use super::rules::{RuleProperties, written};
use super::tags::set_tags;
use crate::error::ServiceError;
use crate::services::ec2::{
    self, AuthorizeSecurityGroupRules, CreateSecurityGroup, CreateVpc, DeleteSecurityGroup,
    DescribeSecurityGroupRules, DescribeSecurityGroups, NewRule, RevokeSecurityGroupRules, RulePeer,
    SecurityGroupRule,
};

pub(super) struct SecurityGroup;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SecurityGroupProperties {
    group_name: Option<String>,
    group_description: String,
    vpc_id: Option<String>,
    security_group_ingress: Vec<RuleProperties>,
    security_group_egress: Vec<RuleProperties>,
    tags: Vec<Tag>,
}

impl SecurityGroupProperties {
    /// What the group has in one direction. Without egress rules it keeps the one that allows everything.
    fn rules(&self, is_egress: bool) -> Result<Vec<NewRule>, ServiceError> {
        let given = if is_egress { &self.security_group_egress } else { &self.security_group_ingress };
        if is_egress && given.is_empty() {
            return Ok(vec![allow_all()]);
        }
        let mut rules: Vec<NewRule> = given.iter().map(RuleProperties::rule).collect::<Result<_, _>>()?;
        // The rule that every group begins with stays the same under another description.
        let default = rules.iter_mut().find(|rule| is_egress && allows_all(rule));
        if let Some(rule) = default {
            *rule = allow_all();
        }
        Ok(rules)
    }
}

impl SecurityGroupProperties {
    /// What the template calls the rule that every group begins with, which keeps no description of its own.
    fn default_description(&self, rule: &SecurityGroupRule) -> Option<&str> {
        if !rule.is_egress || rule.ip_protocol != "-1" || rule.peer != allow_all().peer {
            return None;
        }
        let named =
            self.security_group_egress.iter().find(|one| one.rule().is_ok_and(|rule| allows_all(&rule)));
        named?.description()
    }
}

/// Whether it is the rule that every group begins with, whatever its description and ports, which mean nothing
/// where all protocols are allowed.
fn allows_all(rule: &NewRule) -> bool {
    rule.ip_protocol == "-1" && rule.peer == allow_all().peer
}

fn allow_all() -> NewRule {
    NewRule {
        ip_protocol: "-1".to_owned(),
        from_port: -1,
        to_port: -1,
        peer: RulePeer::Cidr("0.0.0.0/0".to_owned()),
        description: None,
    }
}

/// Brings the rules of one direction from `old` to `new`: first what is new, so that nothing is cut off.
async fn set_rules(
    ctx: &ResourceContext,
    (group_id, is_egress): (&str, bool),
    (old, new): (&[NewRule], &[NewRule]),
) -> Result<(), ServiceError> {
    for rule in new.iter().filter(|rule| !old.contains(rule)) {
        let input = AuthorizeSecurityGroupRules {
            group_id: group_id.to_owned(),
            is_egress,
            rules: vec![rule.clone()],
            client_token: None,
        };
        let made = ctx.cloud.call(&ctx.principal, input).await;
        ctx.made(made, "InvalidPermission.Duplicate")?;
    }
    for rule in old.iter().filter(|rule| !new.contains(rule)) {
        let input = RevokeSecurityGroupRules {
            group_id: group_id.to_owned(),
            is_egress,
            rules: vec![rule.clone()],
            security_group_rule_ids: Vec::new(),
        };
        gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidPermission.NotFound")?;
    }
    Ok(())
}

/// The VPC that every account of AWS begins with, made when it is first needed.
async fn default_vpc(ctx: &ResourceContext) -> Result<String, ServiceError> {
    let input = CreateVpc {
        cidr_block: "172.31.0.0/16".to_owned(),
        client_token: Some("the default VPC".to_owned()),
        tags: Default::default(),
    };
    Ok(ctx.cloud.call(&ctx.principal, input).await?.vpc_id)
}

fn group_attributes(group: &ec2::SecurityGroup) -> Attributes {
    attributes([
        ("GroupId", json!(group.group_id)),
        ("Id", json!(group.group_id)),
        ("VpcId", json!(group.vpc_id)),
    ])
}

impl Resource for SecurityGroup {
    const TYPE: &'static str = "AWS::EC2::SecurityGroup";
    type Properties = SecurityGroupProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: SecurityGroupProperties,
    ) -> Result<Created, ServiceError> {
        let input = CreateSecurityGroup {
            group_name: properties.group_name.clone().unwrap_or_else(|| ctx.generated_name(255)),
            description: properties.group_description.clone(),
            vpc_id: match properties.vpc_id.clone() {
                Some(vpc_id) => vpc_id,
                None => default_vpc(ctx).await?,
            },
            client_token: Some(ctx.client_token()),
            tags: ctx.tags_with(&properties.tags),
        };
        let group = ctx.cloud.call(&ctx.principal, input).await?;
        ctx.initiated(&group.group_id);
        let id = group.group_id.as_str();
        set_rules(ctx, (id, false), (&[], &properties.rules(false)?)).await?;
        set_rules(ctx, (id, true), (&[allow_all()], &properties.rules(true)?)).await?;
        Ok(Created { attributes: group_attributes(&group), physical_id: group.group_id })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<SecurityGroupProperties>,
    ) -> Result<Attributes, ServiceError> {
        for is_egress in [false, true] {
            let (old, new) = (change.old.rules(is_egress)?, change.new.rules(is_egress)?);
            set_rules(ctx, (physical_id, is_egress), (&old, &new)).await?;
        }
        set_tags(ctx, physical_id, (&change.old.tags, &change.new.tags)).await?;
        let input = DescribeSecurityGroups { group_ids: vec![physical_id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await?.security_groups;
        Ok(found.first().map(group_attributes).unwrap_or_default())
    }

    const READABLE: bool = true;

    /// Rules that are resources of their own are not the group's.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: SecurityGroupProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeSecurityGroups { group_ids: vec![id.to_owned()] };
        let found = ctx.cloud.call(&ctx.principal, input).await;
        let Some(answer) = answered(found, "InvalidGroup.NotFound")? else { return Ok(None) };
        let shown = &answer["SecurityGroups"][0];
        let mut read = told(shown, ["GroupName", "VpcId"]);
        read.insert("GroupDescription".to_owned(), shown["Description"].clone());
        read.insert("Tags".to_owned(), tagged(&properties.tags, &shown["Tags"]));
        let input = DescribeSecurityGroupRules::of_group(id);
        let rules = ctx.cloud.call(&ctx.principal, input).await?.rules;
        for (name, is_egress) in [("SecurityGroupIngress", false), ("SecurityGroupEgress", true)] {
            let own = rules.iter().filter(|rule| rule.is_egress == is_egress && !rule.stands_alone);
            let own = own.map(|rule| match properties.default_description(rule) {
                Some(description) => {
                    let mut written = written(rule);
                    written["Description"] = json!(description);
                    written
                }
                None => written(rule),
            });
            read.insert(name.to_owned(), own.collect());
        }
        Ok(Some(read.into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: SecurityGroupProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteSecurityGroup { group_id: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "InvalidGroup.NotFound")
    }
}
