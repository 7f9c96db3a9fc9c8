//! Rules: which requests a listener sends elsewhere than its default action, in the order of their priorities.

use serde::{Deserialize, Deserializer, Serialize};

use super::super::rows::{ListenerRow, RuleRow};
use super::super::shapes::{Action, Empty};
use super::super::store::Elb;
use super::super::{actions, conditions, errors, health};
use super::{RuleCondition, SERVICE};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::id;
use crate::operation::{Call, Operation};
use crate::tags::Tag;

/// Rules per load balancer, the defaults not counted (user guide, quotas).
const MOST_RULES: usize = 100;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Rule {
    pub rule_arn: String,
    /// `1` to `50000`, or `default`.
    pub priority: String,
    pub conditions: Vec<RuleCondition>,
    pub actions: Vec<Action>,
    pub is_default: bool,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RulesOutput {
    pub rules: Vec<Rule>,
}

impl Rule {
    fn of(row: RuleRow) -> Self {
        Self {
            rule_arn: row.rule_arn,
            priority: row.priority.to_string(),
            conditions: row.conditions,
            actions: row.actions,
            is_default: false,
        }
    }

    fn default_of(row: ListenerRow) -> Self {
        Self {
            rule_arn: row.default_rule_arn,
            priority: "default".to_owned(),
            conditions: Vec::new(),
            actions: row.shape.default_actions,
            is_default: true,
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeRules {
    pub listener_arn: Option<String>,
    pub rule_arns: Vec<String>,
}

impl Operation for DescribeRules {
    type Output = RulesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeRules";

    async fn handle(self, call: &Call) -> Result<RulesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        match (&self.listener_arn, self.rule_arns.is_empty()) {
            (Some(_), false) | (None, true) => {
                Err(ServiceError::validation("You must specify either listener rule ARNs or a listener ARN"))
            }
            (Some(arn), true) => {
                let row = elb.listeners.get(arn).ok_or_else(|| errors::listener_not_found(arn))?;
                let rules = elb.rules_of(arn).into_iter().map(Rule::of);
                Ok(RulesOutput { rules: rules.chain([Rule::default_of(row)]).collect() })
            }
            (None, false) => {
                let find = |arn: &String| match elb.rules.get(arn) {
                    Some(row) => Ok(Rule::of(row)),
                    None => default_rule(&elb, arn).map(Rule::default_of),
                };
                Ok(RulesOutput { rules: self.rule_arns.iter().map(find).collect::<Result<_, _>>()? })
            }
        }
    }
}

fn default_rule(elb: &Elb, arn: &str) -> Result<ListenerRow, ServiceError> {
    let row = elb.listeners.find(|row| row.default_rule_arn == arn);
    row.ok_or_else(|| errors::rule_not_found(arn))
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateRule {
    pub listener_arn: String,
    #[serde(default)]
    pub conditions: Vec<RuleCondition>,
    #[serde(deserialize_with = "number")]
    pub priority: i64,
    #[serde(default)]
    pub actions: Vec<Action>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Some clients send a priority as text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    number.ok_or_else(|| serde::de::Error::custom(format!("expected a number, found {value}")))
}

impl Operation for CreateRule {
    type Output = RulesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "CreateRule";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.listener_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<RulesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let listener = elb.listeners.get(&self.listener_arn);
        let listener = listener.ok_or_else(|| errors::listener_not_found(&self.listener_arn))?;
        let load_balancer = listener.shape.load_balancer_arn.clone();
        let conditions = conditions::check(self.conditions)?;
        let actions = actions::check(&elb, &load_balancer, self.actions)?;
        let others = elb.rules_of(&self.listener_arn);
        check_priority(self.priority, &others)?;
        let listeners = elb.listeners_of(&load_balancer);
        let rules = listeners.iter().map(|row| elb.rules_of(&row.shape.listener_arn).len());
        if rules.sum::<usize>() >= MOST_RULES {
            let message = "The maximum number of rules has been reached";
            return Err(ServiceError::new("TooManyRules", message));
        }
        let path = self.listener_arn.split_once(":listener/").map_or("", |(_, path)| path);
        let row = RuleRow {
            rule_arn: call.cloud.arn(SERVICE, &format!("listener-rule/{path}/{}", id::hex(16))),
            listener_arn: self.listener_arn,
            priority: self.priority,
            conditions,
            actions,
            tags: self.tags,
        };
        elb.rules.put(&row.rule_arn, &row)?;
        in_force(&call.cloud, &elb, &load_balancer, [&row.actions])?;
        Ok(RulesOutput { rules: vec![Rule::of(row)] })
    }
}

fn check_priority(priority: i64, others: &[RuleRow]) -> Result<(), ServiceError> {
    if !(1..=50_000).contains(&priority) {
        let message = format!("Rule priority '{priority}' must be between '1' and '50000'");
        return Err(ServiceError::validation(message));
    }
    if others.iter().any(|other| other.priority == priority) {
        let message = format!("Priority '{priority}' is currently in use");
        return Err(ServiceError::new("PriorityInUse", message));
    }
    Ok(())
}

/// Puts changed rules into force, for the next request, and looks at the groups that they name.
fn in_force<'a>(
    cloud: &Cloud,
    elb: &Elb,
    load_balancer: &str,
    changed: impl IntoIterator<Item = &'a Vec<Action>>,
) -> Result<(), ServiceError> {
    if let Some(load_balancer) = elb.load_balancers.get(load_balancer) {
        elb.route(&load_balancer)?;
    }
    health::wake_groups(cloud, elb, changed.into_iter().flatten());
    Ok(())
}

/// Changes what is given. AWS lets nobody change a default rule this way.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModifyRule {
    pub rule_arn: String,
    #[serde(default)]
    pub conditions: Option<Vec<RuleCondition>>,
    #[serde(default)]
    pub actions: Option<Vec<Action>>,
}

impl Operation for ModifyRule {
    type Output = RulesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ModifyRule";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.rule_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<RulesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let arn = &self.rule_arn;
        let Some(old) = elb.rules.get(arn) else {
            default_rule(&elb, arn)?;
            let message = format!("Default rule '{arn}' cannot be modified");
            return Err(ServiceError::new("OperationNotPermitted", message));
        };
        let load_balancer = elb.load_balancer_of(&old);
        let conditions = self.conditions.map(conditions::check).transpose()?;
        let actions =
            self.actions.map(|actions| actions::check(&elb, &load_balancer, actions)).transpose()?;
        let changed = elb.rules.update(arn, |row| {
            if let Some(conditions) = conditions {
                row.conditions = conditions;
            }
            if let Some(actions) = actions {
                row.actions = actions;
            }
            row.clone()
        })?;
        let row = changed.ok_or_else(|| errors::rule_not_found(arn))?;
        in_force(&call.cloud, &elb, &load_balancer, [&old.actions, &row.actions])?;
        Ok(RulesOutput { rules: vec![Rule::of(row)] })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRule {
    pub rule_arn: String,
}

impl Operation for DeleteRule {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteRule";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.rule_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let arn = &self.rule_arn;
        let Some(row) = elb.rules.remove(arn)? else {
            default_rule(&elb, arn)?;
            let message = format!("Default rule '{arn}' cannot be deleted");
            return Err(ServiceError::new("OperationNotPermitted", message));
        };
        in_force(&call.cloud, &elb, &elb.load_balancer_of(&row), [&row.actions])?;
        Ok(Empty {})
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetRulePriorities {
    pub rule_priorities: Vec<RulePriority>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RulePriority {
    pub rule_arn: String,
    #[serde(deserialize_with = "number")]
    pub priority: i64,
}

impl Operation for SetRulePriorities {
    type Output = RulesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "SetRulePriorities";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.rule_priorities.first().map(|one| one.rule_arn.clone()).unwrap_or_default()
    }

    async fn handle(self, call: &Call) -> Result<RulesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let moved = |arn: &str| self.rule_priorities.iter().any(|one| one.rule_arn == arn);
        for RulePriority { rule_arn, priority } in &self.rule_priorities {
            let row = elb.rules.get(rule_arn).ok_or_else(|| errors::rule_not_found(rule_arn))?;
            let mut others = elb.rules_of(&row.listener_arn);
            others.retain(|other| !moved(&other.rule_arn));
            check_priority(*priority, &others)?;
        }
        let mut rules = Vec::new();
        for RulePriority { rule_arn, priority } in &self.rule_priorities {
            let changed = elb.rules.update(rule_arn, |row| {
                row.priority = *priority;
                row.clone()
            })?;
            let row = changed.ok_or_else(|| errors::rule_not_found(rule_arn))?;
            in_force(&call.cloud, &elb, &elb.load_balancer_of(&row), [&row.actions])?;
            rules.push(Rule::of(row));
        }
        Ok(RulesOutput { rules })
    }
}
