//! The target of a deployment: its lifecycle events, its task sets and their traffic.

use serde::{Deserialize, Serialize};

use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codedeploy::deployment::{LifecycleEvent, Row, Set};
use crate::services::codedeploy::shapes::Named;
use crate::services::codedeploy::store::{CodeDeploy, SERVICE, arn_of_deployment};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeploymentTarget {
    pub deployment_target_type: &'static str,
    pub ecs_target: EcsTarget,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EcsTarget {
    pub deployment_id: String,
    /// `CLUSTER:SERVICE`.
    pub target_id: String,
    pub target_arn: String,
    pub last_updated_at: Epoch,
    pub lifecycle_events: Vec<LifecycleEvent>,
    pub status: &'static str,
    pub task_sets_info: Vec<TaskSetInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskSetInfo {
    /// Spelled as AWS spells it.
    pub identifer: String,
    pub desired_count: i64,
    pub pending_count: i64,
    pub running_count: i64,
    pub status: String,
    pub traffic_weight: f64,
    pub target_group: Named,
    /// `Blue` or `Green`.
    pub task_set_label: &'static str,
}

impl TaskSetInfo {
    fn of(set: &Set, label: &'static str) -> Self {
        Self {
            identifer: set.id.clone(),
            desired_count: set.desired,
            pending_count: set.pending,
            running_count: set.running,
            status: set.status.clone(),
            traffic_weight: set.weight,
            target_group: Named { name: set.target_group.name.clone() },
            task_set_label: label,
        }
    }
}

fn target_id(row: &Row) -> String {
    let service = row.group.settings.ecs_services.iter().flatten().next().cloned().unwrap_or_default();
    format!("{}:{}", service.cluster_name, service.service_name)
}

fn target(cloud: &Cloud, row: &Row) -> DeploymentTarget {
    let target_id = target_id(row);
    let blue = row.blue.iter().map(|set| TaskSetInfo::of(set, "Blue"));
    let green = row.green.iter().map(|set| TaskSetInfo::of(set, "Green"));
    let status = match row.info.status.as_str() {
        "InProgress" => "InProgress",
        "Ready" => "Ready",
        "Succeeded" => "Succeeded",
        "Failed" => "Failed",
        "Stopped" => "Skipped",
        _ => "Pending",
    };
    DeploymentTarget {
        deployment_target_type: "ECSTarget",
        ecs_target: EcsTarget {
            deployment_id: row.info.deployment_id.clone(),
            target_arn: cloud.arn("ecs", &format!("service/{}", target_id.replacen(':', "/", 1))),
            target_id,
            last_updated_at: row.updated,
            lifecycle_events: row.events.clone(),
            status,
            task_sets_info: blue.chain(green).collect(),
        },
    }
}

/// The deployment, if it has begun: a target is known only then.
fn begun(call: &Call, id: &str) -> Result<Row, ServiceError> {
    let row = call.cloud.part::<CodeDeploy>().deployment(id)?;
    if row.info.start_time.is_none() && !row.info.has_ended() {
        let message = format!("The deployment {id} has not started");
        return Err(ServiceError::new("DeploymentNotStartedException", message));
    }
    Ok(row)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListDeploymentTargets {
    pub deployment_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListDeploymentTargetsOutput {
    pub target_ids: Vec<String>,
}

impl Operation for ListDeploymentTargets {
    type Output = ListDeploymentTargetsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ListDeploymentTargets";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of_deployment(cloud, &self.deployment_id)
    }

    async fn handle(self, call: &Call) -> Result<ListDeploymentTargetsOutput, ServiceError> {
        let row = begun(call, &self.deployment_id)?;
        Ok(ListDeploymentTargetsOutput { target_ids: vec![target_id(&row)] })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeploymentTarget {
    pub deployment_id: String,
    pub target_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeploymentTargetOutput {
    pub deployment_target: DeploymentTarget,
}

impl Operation for GetDeploymentTarget {
    type Output = GetDeploymentTargetOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetDeploymentTarget";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of_deployment(cloud, &self.deployment_id)
    }

    async fn handle(self, call: &Call) -> Result<GetDeploymentTargetOutput, ServiceError> {
        let row = begun(call, &self.deployment_id)?;
        check(&row, &self.target_id)?;
        Ok(GetDeploymentTargetOutput { deployment_target: target(&call.cloud, &row) })
    }
}

fn check(row: &Row, id: &str) -> Result<(), ServiceError> {
    match target_id(row) == id {
        true => Ok(()),
        false => {
            let message = format!("The target {id} is not one of deployment {}", row.info.deployment_id);
            Err(ServiceError::new("DeploymentTargetDoesNotExistException", message))
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchGetDeploymentTargets {
    pub deployment_id: String,
    pub target_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchGetDeploymentTargetsOutput {
    pub deployment_targets: Vec<DeploymentTarget>,
}

impl Operation for BatchGetDeploymentTargets {
    type Output = BatchGetDeploymentTargetsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "BatchGetDeploymentTargets";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of_deployment(cloud, &self.deployment_id)
    }

    async fn handle(self, call: &Call) -> Result<BatchGetDeploymentTargetsOutput, ServiceError> {
        let row = begun(call, &self.deployment_id)?;
        for id in &self.target_ids {
            check(&row, id)?;
        }
        let targets = self.target_ids.iter().map(|_| target(&call.cloud, &row));
        Ok(BatchGetDeploymentTargetsOutput { deployment_targets: targets.collect() })
    }
}
