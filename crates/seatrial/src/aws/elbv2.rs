//! Elastic Load Balancing: target health, and the rules of a listener.

use aws_sdk_elasticloadbalancingv2::types as sdk;

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "Elastic Load Balancing";

/// One target of a target group.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct TargetHealth {
    /// `ip:port`.
    pub target: String,
    /// healthy, initial, unhealthy, draining, unused, unavailable.
    pub state: String,
    /// `Target.FailedHealthChecks`, …
    pub reason: Option<String>,
    pub description: Option<String>,
}

/// A rule that forwards requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForwardingRule {
    pub arn: String,
    /// ARN of its listener.
    pub listener: String,
    /// Whether it is the listener's default action.
    pub is_default: bool,
    /// Target group ARN and weight.
    pub shares: Vec<(String, i32)>,
}

impl Aws {
    pub(crate) async fn target_health(&self, target_group: &str) -> Result<Vec<TargetHealth>, AwsError> {
        let answer = self
            .elasticloadbalancingv2()
            .describe_target_health()
            .target_group_arn(target_group)
            .send()
            .await;
        let answer =
            answer.attempt(SERVICE, || format!("describe the health of target group `{target_group}`"))?;
        let health = answer.target_health_descriptions.unwrap_or_default().into_iter().map(|description| {
            let target = description.target;
            let health = description.target_health;
            TargetHealth {
                target: target
                    .map(|t| format!("{}:{}", t.id.unwrap_or_default(), t.port.unwrap_or_default()))
                    .unwrap_or_default(),
                state: health
                    .as_ref()
                    .and_then(|h| h.state.as_ref())
                    .map(|state| state.as_str().to_owned())
                    .unwrap_or_default(),
                reason: health.as_ref().and_then(|h| h.reason.as_ref()).map(|r| r.as_str().to_owned()),
                description: health.and_then(|h| h.description),
            }
        });
        Ok(health.collect())
    }

    /// Where a listener answers, as a URL; `None` for one that is gone. In the local cloud each listener has an address of
    /// its own, which the load balancer's attributes tell.
    pub(crate) async fn listener_url(&self, listener: &str) -> Result<Option<String>, AwsError> {
        let client = self.elasticloadbalancingv2();
        let attempt = || format!("describe listener `{listener}`");
        let answer = client.describe_listeners().listener_arns(listener).send().await;
        let found = answer.attempt(SERVICE, attempt)?.listeners.unwrap_or_default().into_iter().next();
        let Some(found) = found else { return Ok(None) };
        let (balancer, port) = (found.load_balancer_arn.unwrap_or_default(), found.port.unwrap_or_default());
        let is_https = found.protocol == Some(sdk::ProtocolEnum::Https);
        let address = if self.is_local() {
            let request = client.describe_load_balancer_attributes().load_balancer_arn(balancer);
            let attributes = request.send().await.attempt(SERVICE, attempt)?.attributes.unwrap_or_default();
            let key = format!("local.listener.{port}.address");
            let own = attributes.into_iter().find(|attribute| attribute.key.as_ref() == Some(&key));
            own.and_then(|attribute| attribute.value)
        } else {
            let request = client.describe_load_balancers().load_balancer_arns(balancer);
            let balancers =
                request.send().await.attempt(SERVICE, attempt)?.load_balancers.unwrap_or_default();
            let name = balancers.into_iter().next().and_then(|balancer| balancer.dns_name);
            name.map(|name| format!("{name}:{port}"))
        };
        let scheme = if is_https { "https" } else { "http" };
        Ok(address.map(|address| format!("{scheme}://{address}")))
    }

    /// The rules of a listener that forward requests, in the order in which they count, the default one last.
    pub(crate) async fn forwarding_rules(&self, listener: &str) -> Result<Vec<ForwardingRule>, AwsError> {
        let mut pages =
            self.elasticloadbalancingv2().describe_rules().listener_arn(listener).into_paginator().send();
        let mut rules = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || format!("describe the rules of listener `{listener}`"))?;
            rules.extend(
                page.rules.unwrap_or_default().into_iter().filter_map(|rule| forwarding(rule, listener)),
            );
        }
        Ok(rules)
    }

    /// Has a rule share its requests among these target groups, in percent. The default rule is its listener's default
    /// action.
    pub(crate) async fn set_shares(
        &self,
        rule: &ForwardingRule,
        shares: &[(String, i32)],
    ) -> Result<(), AwsError> {
        let group = |(arn, weight): &(String, i32)| {
            sdk::TargetGroupTuple::builder().target_group_arn(arn).weight(*weight).build()
        };
        let forward =
            sdk::ForwardActionConfig::builder().set_target_groups(Some(shares.iter().map(group).collect()));
        let action = sdk::Action::builder()
            .r#type(sdk::ActionTypeEnum::Forward)
            .forward_config(forward.build())
            .build();
        let attempt = || format!("set the target groups of rule `{}`", rule.arn);
        let client = self.elasticloadbalancingv2();
        if rule.is_default {
            let request = client.modify_listener().listener_arn(&rule.listener).default_actions(action);
            request.send().await.attempt(SERVICE, attempt)?;
        } else {
            let request = client.modify_rule().rule_arn(&rule.arn).actions(action);
            request.send().await.attempt(SERVICE, attempt)?;
        }
        Ok(())
    }
}

fn forwarding(rule: sdk::Rule, listener: &str) -> Option<ForwardingRule> {
    let mut actions = rule.actions.unwrap_or_default().into_iter();
    let groups = actions.find_map(|action| action.forward_config)?.target_groups.unwrap_or_default();
    let groups =
        groups.into_iter().filter_map(|group| Some((group.target_group_arn?, group.weight.unwrap_or(1))));
    Some(ForwardingRule {
        arn: rule.rule_arn.unwrap_or_default(),
        listener: listener.to_owned(),
        is_default: rule.is_default.unwrap_or_default(),
        shares: groups.collect(),
    })
}
