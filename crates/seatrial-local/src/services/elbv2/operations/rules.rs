//! Rules: each listener has its default rule and no other.

use serde::{Deserialize, Serialize};

use super::super::errors;
use super::super::rows::ListenerRow;
use super::super::shapes::Action;
use super::super::store::Elb;
use super::SERVICE;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeRules {
    pub listener_arn: Option<String>,
    pub rule_arns: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Rule {
    pub rule_arn: String,
    /// `default`.
    pub priority: String,
    pub conditions: Vec<serde_json::Value>,
    pub actions: Vec<Action>,
    pub is_default: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RulesOutput {
    pub rules: Vec<Rule>,
}

impl Operation for DescribeRules {
    type Output = RulesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeRules";

    async fn handle(self, call: &Call) -> Result<RulesOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        if let Some(arn) = &self.listener_arn {
            let row = elb.listeners.get(arn).ok_or_else(|| errors::listener_not_found(arn))?;
            return Ok(RulesOutput { rules: vec![default_rule(row)] });
        }
        let find = |arn: &String| {
            let row = elb.listeners.find(|row| row.default_rule_arn == *arn);
            row.map(default_rule).ok_or_else(|| errors::rule_not_found(arn))
        };
        Ok(RulesOutput { rules: self.rule_arns.iter().map(find).collect::<Result<_, _>>()? })
    }
}

fn default_rule(row: ListenerRow) -> Rule {
    Rule {
        rule_arn: row.default_rule_arn,
        priority: "default".to_owned(),
        conditions: Vec::new(),
        actions: row.shape.default_actions,
        is_default: true,
    }
}

/// AWS lets nobody change a default rule this way, and there are no others here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModifyRule {
    pub rule_arn: String,
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
        match elb.listeners.find(|row| row.default_rule_arn == self.rule_arn) {
            Some(_) => Err(ServiceError::new(
                "OperationNotPermitted",
                format!("Default rule '{}' cannot be modified", self.rule_arn),
            )),
            None => Err(errors::rule_not_found(&self.rule_arn)),
        }
    }
}
