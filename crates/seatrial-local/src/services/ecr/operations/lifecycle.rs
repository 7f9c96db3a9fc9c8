//! Lifecycle policies: kept and answered, not applied.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::error::{invalid, no_repository};
use super::super::store::Ecr;
use super::arn;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LifecyclePolicy {
    pub registry_id: String,
    pub repository_name: String,
    pub lifecycle_policy_text: String,
}

/// `PutLifecyclePolicy`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutLifecyclePolicy {
    pub repository_name: String,
    pub lifecycle_policy_text: String,
}

/// What is wrong with a rule, by "Lifecycle policy parameters" in ECR's user guide.
fn rule_fault(rule: &Value) -> Option<&'static str> {
    let selection = &rule["selection"];
    let listed = |member: &str| selection[member].as_array().is_some_and(|list| !list.is_empty());
    let tagged = selection["tagStatus"] == "tagged";
    if rule["rulePriority"].as_i64().is_none_or(|priority| priority < 1) {
        Some("rulePriority must be a positive integer")
    } else if !["tagged", "untagged", "any"].iter().any(|status| selection["tagStatus"] == *status) {
        Some("tagStatus must be tagged, untagged or any")
    } else if tagged != (listed("tagPrefixList") || listed("tagPatternList")) {
        Some("tagPrefixList or tagPatternList goes with the tagStatus tagged")
    } else if selection["countNumber"].as_i64().is_none_or(|count| count < 1) {
        Some("countNumber must be a positive integer")
    } else if selection["countType"] == "sinceImagePushed" && selection["countUnit"] != "days" {
        Some("countUnit must be days")
    } else if rule["action"]["type"] != "expire" {
        Some("the action's type must be expire")
    } else {
        None
    }
}

impl Operation for PutLifecyclePolicy {
    type Output = LifecyclePolicy;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "PutLifecyclePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<LifecyclePolicy, ServiceError> {
        let parsed = serde_json::from_str::<Value>(&self.lifecycle_policy_text);
        let rules = parsed.as_ref().ok().and_then(|policy| policy["rules"].as_array());
        if rules.is_none_or(Vec::is_empty) {
            return Err(invalid(
                "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy \
                 validation failure: the policy has no rules'",
            ));
        }
        if let Some(fault) = rules.into_iter().flatten().find_map(rule_fault) {
            return Err(invalid(format!(
                "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy \
                 validation failure: {fault}'"
            )));
        }
        let text = &self.lifecycle_policy_text;
        let changed = call.cloud.part::<Ecr>().repositories.update(&self.repository_name, |row| {
            row.lifecycle_policy = Some(text.clone());
        })?;
        changed.ok_or_else(|| no_repository(&call.cloud, &self.repository_name))?;
        Ok(answer(&call.cloud, self.repository_name, self.lifecycle_policy_text))
    }
}

/// `GetLifecyclePolicy`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetLifecyclePolicy {
    pub repository_name: String,
}

impl Operation for GetLifecyclePolicy {
    type Output = LifecyclePolicy;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "GetLifecyclePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<LifecyclePolicy, ServiceError> {
        let cloud = &call.cloud;
        let row = cloud.part::<Ecr>().repository(cloud, &self.repository_name)?;
        let text = row.lifecycle_policy.ok_or_else(|| no_policy(cloud, &self.repository_name))?;
        Ok(answer(cloud, self.repository_name, text))
    }
}

/// `DeleteLifecyclePolicy`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteLifecyclePolicy {
    pub repository_name: String,
}

impl Operation for DeleteLifecyclePolicy {
    type Output = LifecyclePolicy;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "DeleteLifecyclePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<LifecyclePolicy, ServiceError> {
        let (cloud, name) = (&call.cloud, self.repository_name);
        let removed = cloud.part::<Ecr>().repositories.update(&name, |row| row.lifecycle_policy.take())?;
        let text = removed.ok_or_else(|| no_repository(cloud, &name))?;
        let text = text.ok_or_else(|| no_policy(cloud, &name))?;
        Ok(answer(cloud, name, text))
    }
}

fn answer(cloud: &Cloud, repository_name: String, lifecycle_policy_text: String) -> LifecyclePolicy {
    LifecyclePolicy { registry_id: cloud.account().to_owned(), repository_name, lifecycle_policy_text }
}

fn no_policy(cloud: &Cloud, name: &str) -> ServiceError {
    let message = format!(
        "Lifecycle policy does not exist for the repository with name '{name}' in the registry with id '{}'",
        cloud.account()
    );
    ServiceError::new("LifecyclePolicyNotFoundException", message)
}
