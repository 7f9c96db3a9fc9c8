//! The operations of Elastic Load Balancing, one file a noun.

mod listeners;
mod load_balancer_attributes;
mod load_balancers;
mod rules;
mod tags;
mod target_groups;
mod targets;

pub(crate) use listeners::{CreateListener, DeleteListener, DescribeListeners, ModifyListener};
pub(crate) use load_balancer_attributes::{DescribeLoadBalancerAttributes, ModifyLoadBalancerAttributes};
pub(crate) use load_balancers::{
    CreateLoadBalancer, DeleteLoadBalancer, DescribeLoadBalancers, SetSecurityGroups, SetSubnets,
};
pub(crate) use rules::{
    CreateRule, DeleteRule, DescribeRules, ModifyRule, Rule, RulePriority, SetRulePriorities,
};
pub(crate) use tags::{AddTags, DescribeTags, RemoveTags, tags_of};
#[cfg(test)]
pub(crate) use target_groups::TargetGroupsOutput;
pub(crate) use target_groups::{
    CreateTargetGroup, DeleteTargetGroup, DescribeTargetGroupAttributes, DescribeTargetGroups,
    HealthCheckSettings, ModifyTargetGroup, ModifyTargetGroupAttributes,
};
pub(crate) use targets::{DeregisterTargets, DescribeTargetHealth, RegisterTargets};
#[cfg(test)]
pub(crate) use {listeners::ListenersOutput, rules::RulesOutput};

use super::conditions::RuleCondition;

/// The signing name and IAM prefix.
pub(crate) const SERVICE: &str = "elasticloadbalancing";
