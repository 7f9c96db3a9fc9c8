//! The operations of Application Auto Scaling.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::error::ServiceError;
use crate::operation::{Call, Operation, Operations};
use crate::persist::Table;
use crate::principal::Principal;
use crate::services::ecs::{DescribeServices, UpdateService};

const SERVICE: &str = "application-autoscaling";

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<RegisterScalableTarget>();
    operations.add::<DescribeScalableTargets>();
    operations.add::<DeregisterScalableTarget>();
    operations.add::<PutScalingPolicy>();
    operations.add::<DescribeScalingPolicies>();
    operations.add::<DeleteScalingPolicy>();
}

struct Store {
    /// By [`TargetId::key`].
    targets: Table<ScalableTarget>,
    /// By target and `/` and name.
    policies: Table<ScalingPolicy>,
}

impl Part for Store {
    fn open(setup: &Setup) -> Self {
        Self {
            targets: setup.database.table("autoscaling-targets"),
            policies: setup.database.table("autoscaling-policies"),
        }
    }
}

/// What is scaled: `ecs`, `service/CLUSTER/NAME`, `ecs:service:DesiredCount`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct TargetId {
    pub service_namespace: String,
    pub resource_id: String,
    pub scalable_dimension: String,
}

impl TargetId {
    fn key(&self) -> String {
        format!("{}|{}|{}", self.service_namespace, self.resource_id, self.scalable_dimension)
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ScalableTarget {
    #[serde(flatten)]
    id: TargetId,
    min_capacity: i64,
    max_capacity: i64,
    #[serde(rename = "RoleARN")]
    role_arn: String,
    creation_time: Option<Epoch>,
    #[serde(rename = "ScalableTargetARN")]
    arn: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ScalingPolicy {
    #[serde(rename = "PolicyARN")]
    arn: String,
    policy_name: String,
    #[serde(flatten)]
    id: TargetId,
    policy_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_tracking_scaling_policy_configuration: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_scaling_policy_configuration: Option<Value>,
    creation_time: Option<Epoch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RegisterScalableTarget {
    #[serde(flatten)]
    pub id: TargetId,
    pub min_capacity: Option<i64>,
    pub max_capacity: Option<i64>,
}

#[derive(Serialize)]
pub(crate) struct RegisterScalableTargetOutput {
    #[serde(rename = "ScalableTargetARN")]
    pub arn: String,
}

/// The same for one target always.
pub(crate) fn target_arn(cloud: &Cloud, id: &TargetId) -> String {
    let suffix = crate::id::digits_of(&id.key(), 30).to_ascii_lowercase();
    cloud.arn("application-autoscaling", &format!("scalable-target/0ec5{suffix}"))
}

impl Operation for RegisterScalableTarget {
    type Output = RegisterScalableTargetOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "RegisterScalableTarget";

    fn resource(&self, cloud: &Cloud) -> String {
        target_arn(cloud, &self.id)
    }

    async fn handle(self, call: &Call) -> Result<RegisterScalableTargetOutput, ServiceError> {
        let cloud = &call.cloud;
        let store = cloud.part::<Store>();
        let known = store.targets.get(&self.id.key());
        let mut target = match (known, self.min_capacity, self.max_capacity) {
            (Some(known), _, _) => known,
            (None, Some(_), Some(_)) => ScalableTarget {
                role_arn: format!(
                    "arn:aws:iam::{}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
                     AWSServiceRoleForApplicationAutoScaling_ECSService",
                    cloud.account()
                ),
                creation_time: Some(cloud.clock().now()),
                arn: target_arn(cloud, &self.id),
                ..ScalableTarget::default()
            },
            _ => {
                return Err(invalid(
                    "Both MinCapacity and MaxCapacity are required to register a new target.",
                ));
            }
        };
        target.id = self.id;
        target.min_capacity = self.min_capacity.unwrap_or(target.min_capacity);
        target.max_capacity = self.max_capacity.unwrap_or(target.max_capacity);
        if target.min_capacity > target.max_capacity {
            return Err(invalid("MinCapacity must not be above MaxCapacity."));
        }
        bound(cloud, &target).await?;
        store.targets.put(&target.id.key(), &target)?;
        Ok(RegisterScalableTargetOutput { arn: target.arn })
    }
}

/// Brings the service's desired count within the target's bounds.
async fn bound(cloud: &Cloud, target: &ScalableTarget) -> Result<(), ServiceError> {
    let mut parts = target.id.resource_id.split('/');
    let (Some("service"), Some(cluster), Some(service)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(invalid("The local cloud scales services of ECS only: service/CLUSTER/SERVICE."));
    };
    let principal =
        Principal::assumed_role(&target.role_arn, "AutoScaling-UpdateDesiredCount", cloud.account());
    let describe = DescribeServices {
        cluster: Some(cluster.to_owned()),
        services: vec![service.to_owned()],
        ..DescribeServices::default()
    };
    let found = cloud.call(&principal, describe).await?;
    let active = found.services.iter().find(|service| service.status == "ACTIVE");
    let current =
        active.ok_or_else(|| invalid(format!("ECS service doesn't exist: {}", target.id.resource_id)))?;
    let wanted = current.desired_count.clamp(target.min_capacity, target.max_capacity);
    if wanted != current.desired_count {
        let update = UpdateService {
            cluster: Some(cluster.to_owned()),
            service: service.to_owned(),
            desired_count: Some(wanted),
            ..UpdateService::default()
        };
        cloud.call(&principal, update).await?;
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationException", message)
}

fn not_found(what: &str, id: &TargetId) -> ServiceError {
    ServiceError::new(
        "ObjectNotFoundException",
        format!(
            "No {what} found for service namespace: {}, resource ID: {}, scalable dimension: {}",
            id.service_namespace, id.resource_id, id.scalable_dimension
        ),
    )
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct DescribeScalableTargets {
    service_namespace: String,
    resource_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeScalableTargetsOutput {
    scalable_targets: Vec<ScalableTarget>,
}

impl Operation for DescribeScalableTargets {
    type Output = DescribeScalableTargetsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeScalableTargets";

    async fn handle(self, call: &Call) -> Result<DescribeScalableTargetsOutput, ServiceError> {
        let mut targets = call.cloud.part::<Store>().targets.values();
        targets.retain(|target| {
            target.id.service_namespace == self.service_namespace
                && (self.resource_ids.is_empty() || self.resource_ids.contains(&target.id.resource_id))
        });
        Ok(DescribeScalableTargetsOutput { scalable_targets: targets })
    }
}

#[derive(Deserialize)]
pub(crate) struct DeregisterScalableTarget {
    #[serde(flatten)]
    pub id: TargetId,
}

#[derive(Serialize)]
pub(crate) struct Nothing {}

impl Operation for DeregisterScalableTarget {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeregisterScalableTarget";

    fn resource(&self, cloud: &Cloud) -> String {
        target_arn(cloud, &self.id)
    }

    /// Its policies go with it.
    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let store = call.cloud.part::<Store>();
        let key = self.id.key();
        store.targets.remove(&key)?.ok_or_else(|| not_found("scalable target", &self.id))?;
        for (policy, _) in store.policies.with_prefix(&format!("{key}/")) {
            store.policies.remove(&policy)?;
        }
        Ok(Nothing {})
    }
}

#[derive(Deserialize)]
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
        let store = call.cloud.part::<Store>();
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

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct DescribeScalingPolicies {
    service_namespace: String,
    resource_id: Option<String>,
    policy_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeScalingPoliciesOutput {
    scaling_policies: Vec<ScalingPolicy>,
}

impl Operation for DescribeScalingPolicies {
    type Output = DescribeScalingPoliciesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeScalingPolicies";

    async fn handle(self, call: &Call) -> Result<DescribeScalingPoliciesOutput, ServiceError> {
        let mut policies = call.cloud.part::<Store>().policies.values();
        policies.retain(|policy| {
            policy.id.service_namespace == self.service_namespace
                && self.resource_id.as_ref().is_none_or(|id| *id == policy.id.resource_id)
                && (self.policy_names.is_empty() || self.policy_names.contains(&policy.policy_name))
        });
        Ok(DescribeScalingPoliciesOutput { scaling_policies: policies })
    }
}

#[derive(Deserialize)]
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
        let removed = call.cloud.part::<Store>().policies.remove(&key)?;
        removed.ok_or_else(|| not_found("scaling policy", &self.id))?;
        Ok(Nothing {})
    }
}
