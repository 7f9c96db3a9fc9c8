//! Operations on scaling policies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::store::{SERVICE, ScalingPolicy, ScalingStore, TargetId};
use super::{Nothing, not_found};
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutScalingPolicy {
    pub policy_name: String,
    #[serde(flatten)]
    pub id: TargetId,
    pub policy_type: Option<String>,
    pub target_tracking_scaling_policy_configuration: Option<Value>,
    pub step_scaling_policy_configuration: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutScalingPolicyOutput {
    #[serde(rename = "PolicyARN")]
    pub arn: String,
    pub alarms: Vec<Value>,
}

impl Operation for PutScalingPolicy {
    type Output = PutScalingPolicyOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "PutScalingPolicy";

    async fn handle(self, call: &Call) -> Result<PutScalingPolicyOutput, ServiceError> {
        let store = call.cloud.part::<ScalingStore>();
        let target = self.id.key();
        if !store.targets.contains(&target) {
            return Err(not_found("scalable target registered", &self.id));
        }
        let key = format!("{target}/{}", self.policy_name);
        let known = store.policies.get(&key);
        let arn = known.as_ref().map_or_else(
            || {
                call.cloud.arn(
                    "autoscaling",
                    &format!(
                        "scalingPolicy:{}:resource/{}/{}:policyName/{}",
                        crate::id::uuid(),
                        self.id.service_namespace,
                        self.id.resource_id,
                        self.policy_name
                    ),
                )
            },
            |known| known.arn.clone(),
        );
        let policy = ScalingPolicy {
            arn: arn.clone(),
            policy_name: self.policy_name,
            id: self.id,
            policy_type: self.policy_type.unwrap_or_else(|| "StepScaling".to_owned()),
            target_tracking_scaling_policy_configuration: self.target_tracking_scaling_policy_configuration,
            step_scaling_policy_configuration: self.step_scaling_policy_configuration,
            creation_time: known.and_then(|known| known.creation_time).or(Some(call.cloud.clock().now())),
        };
        store.policies.put(&key, &policy)?;
        Ok(PutScalingPolicyOutput { arn, alarms: Vec::new() })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeScalingPolicies {
    pub service_namespace: String,
    pub resource_id: Option<String>,
    pub policy_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeScalingPoliciesOutput {
    scaling_policies: Vec<ScalingPolicy>,
}

impl Operation for DescribeScalingPolicies {
    type Output = DescribeScalingPoliciesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeScalingPolicies";

    async fn handle(self, call: &Call) -> Result<DescribeScalingPoliciesOutput, ServiceError> {
        let mut policies = call.cloud.part::<ScalingStore>().policies.values();
        policies.retain(|policy| {
            policy.id.service_namespace == self.service_namespace
                && self.resource_id.as_ref().is_none_or(|id| *id == policy.id.resource_id)
                && (self.policy_names.is_empty() || self.policy_names.contains(&policy.policy_name))
        });
        Ok(DescribeScalingPoliciesOutput { scaling_policies: policies })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteScalingPolicy {
    pub policy_name: String,
    #[serde(flatten)]
    pub id: TargetId,
}

impl Operation for DeleteScalingPolicy {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteScalingPolicy";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let key = format!("{}/{}", self.id.key(), self.policy_name);
        let removed = call.cloud.part::<ScalingStore>().policies.remove(&key)?;
        removed.ok_or_else(|| not_found("scaling policy found", &self.id))?;
        Ok(Nothing {})
    }
}
