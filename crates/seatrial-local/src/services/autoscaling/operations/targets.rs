//! Operations on scalable targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::store::{SERVICE, ScalableTarget, ScalingStore, SuspendedState, TargetId, target_arn};
use super::{Nothing, invalid, not_found};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::principal::Principal;
use crate::services::ecs::{DescribeServices, UpdateService};
use crate::services::iam::ensure_linked_role;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RegisterScalableTarget {
    #[serde(flatten)]
    pub id: TargetId,
    pub min_capacity: Option<i64>,
    pub max_capacity: Option<i64>,
    pub suspended_state: Option<SuspendedState>,
    /// Shown as it was given; ECS's service-linked role acts, as on AWS.
    #[serde(rename = "RoleARN")]
    pub role_arn: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
pub(crate) struct RegisterScalableTargetOutput {
    #[serde(rename = "ScalableTargetARN")]
    pub arn: String,
}

impl Operation for RegisterScalableTarget {
    type Output = RegisterScalableTargetOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "RegisterScalableTarget";

    fn resource(&self, cloud: &Cloud) -> String {
        target_arn(cloud, &self.id)
    }

    /// Of a target that is there, what is not given stays as it is; its bounds hold at once all the same (API reference,
    /// RegisterScalableTarget).
    async fn handle(self, call: &Call) -> Result<RegisterScalableTargetOutput, ServiceError> {
        let cloud = &call.cloud;
        let store = cloud.part::<ScalingStore>();
        let known = store.targets.get(&self.id.key());
        let mut target = match (known, self.min_capacity, self.max_capacity) {
            (Some(known), _, _) => known,
            (None, Some(_), Some(_)) => ScalableTarget {
                role_arn: linked_role(cloud),
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
        target.role_arn = self.role_arn.unwrap_or(target.role_arn);
        target.tags = self.tags.unwrap_or(target.tags);
        target.min_capacity = self.min_capacity.unwrap_or(target.min_capacity);
        target.max_capacity = self.max_capacity.unwrap_or(target.max_capacity);
        target.suspended_state = self.suspended_state.unwrap_or(target.suspended_state);
        if target.min_capacity > target.max_capacity {
            return Err(invalid("MinCapacity must not be above MaxCapacity."));
        }
        ensure_linked_role(call, "ecs.application-autoscaling.amazonaws.com").await?;
        bound(cloud, &target).await?;
        store.targets.put(&target.id.key(), &target)?;
        Ok(RegisterScalableTargetOutput { arn: target.arn })
    }
}

fn linked_role(cloud: &Cloud) -> String {
    format!(
        "arn:aws:iam::{}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
         AWSServiceRoleForApplicationAutoScaling_ECSService",
        cloud.account()
    )
}

/// Brings the service's desired count within the target's bounds.
async fn bound(cloud: &Cloud, target: &ScalableTarget) -> Result<(), ServiceError> {
    let mut parts = target.id.resource_id.split('/');
    let (Some("service"), Some(cluster), Some(service)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(invalid("The local cloud scales services of ECS only: service/CLUSTER/SERVICE."));
    };
    let principal =
        Principal::assumed_role(&linked_role(cloud), "AutoScaling-UpdateDesiredCount", cloud.account());
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

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeScalableTargets {
    pub service_namespace: String,
    pub resource_ids: Vec<String>,
    pub scalable_dimension: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeScalableTargetsOutput {
    scalable_targets: Vec<ScalableTarget>,
}

impl Operation for DescribeScalableTargets {
    type Output = DescribeScalableTargetsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeScalableTargets";

    async fn handle(self, call: &Call) -> Result<DescribeScalableTargetsOutput, ServiceError> {
        // API reference, DescribeScalableTargets: "If you specify a scalable dimension, you must also specify a resource ID."
        if self.scalable_dimension.is_some() && self.resource_ids.is_empty() {
            return Err(invalid("Resource ID is required when a scalable dimension is given."));
        }
        let mut targets = call.cloud.part::<ScalingStore>().targets.values();
        targets.retain(|target| {
            target.id.service_namespace == self.service_namespace
                && self.scalable_dimension.as_ref().is_none_or(|it| *it == target.id.scalable_dimension)
                && (self.resource_ids.is_empty() || self.resource_ids.contains(&target.id.resource_id))
        });
        Ok(DescribeScalableTargetsOutput { scalable_targets: targets })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct DeregisterScalableTarget {
    #[serde(flatten)]
    pub id: TargetId,
}

impl Operation for DeregisterScalableTarget {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeregisterScalableTarget";

    fn resource(&self, cloud: &Cloud) -> String {
        target_arn(cloud, &self.id)
    }

    /// Its policies go with it.
    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let store = call.cloud.part::<ScalingStore>();
        let key = self.id.key();
        store.targets.remove(&key)?.ok_or_else(|| not_found("scalable target found", &self.id))?;
        for (policy, _) in store.policies.with_prefix(&format!("{key}/")) {
            store.policies.remove(&policy)?;
        }
        Ok(Nothing {})
    }
}
