//! Scalable targets and their policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::persist::Table;

pub(super) const SERVICE: &str = "application-autoscaling";

pub(super) struct ScalingStore {
    /// By [`TargetId::key`].
    pub targets: Table<ScalableTarget>,
    /// By target and `/` and name.
    pub policies: Table<ScalingPolicy>,
}

impl Part for ScalingStore {
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
    pub(super) fn key(&self) -> String {
        format!("{}|{}|{}", self.service_namespace, self.resource_id, self.scalable_dimension)
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ScalableTarget {
    #[serde(flatten)]
    pub id: TargetId,
    pub min_capacity: i64,
    pub max_capacity: i64,
    pub suspended_state: SuspendedState,
    #[serde(rename = "RoleARN")]
    pub role_arn: String,
    pub creation_time: Option<Epoch>,
    #[serde(rename = "ScalableTargetARN")]
    pub arn: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Which scaling activities do not happen. A member that is not given is false (Application Auto Scaling API,
/// SuspendedState: "the default is false").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SuspendedState {
    pub dynamic_scaling_in_suspended: bool,
    pub dynamic_scaling_out_suspended: bool,
    pub scheduled_scaling_suspended: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ScalingPolicy {
    #[serde(rename = "PolicyARN")]
    pub arn: String,
    pub policy_name: String,
    #[serde(flatten)]
    pub id: TargetId,
    pub policy_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_tracking_scaling_policy_configuration: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_scaling_policy_configuration: Option<Value>,
    pub creation_time: Option<Epoch>,
}

/// The same for one target always.
pub(crate) fn target_arn(cloud: &Cloud, id: &TargetId) -> String {
    let suffix = crate::id::digits_of(&id.key(), 30).to_ascii_lowercase();
    cloud.arn(SERVICE, &format!("scalable-target/0ec5{suffix}"))
}
