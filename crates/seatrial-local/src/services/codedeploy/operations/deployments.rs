//! Deployments made, shown and listed.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{groups, revisions};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codedeploy::deployment::{Info, new_row};
use crate::services::codedeploy::engine::Deployments;
use crate::services::codedeploy::shapes::{AlarmConfiguration, AutoRollback, LastDeployment, Revision};
use crate::services::codedeploy::store::{CodeDeploy, SERVICE, arn_of_deployment, group_arn, group_key};

#[derive(Clone, Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CreateDeployment {
    pub application_name: String,
    pub deployment_group_name: String,
    pub revision: Option<Revision>,
    pub deployment_config_name: Option<String>,
    pub description: Option<String>,
    pub auto_rollback_configuration: Option<AutoRollback>,
    pub override_alarm_configuration: Option<AlarmConfiguration>,
    /// Of the compute platform Server alone.
    pub target_instances: Option<serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateDeploymentOutput {
    pub deployment_id: String,
}

impl Operation for CreateDeployment {
    type Output = CreateDeploymentOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "CreateDeployment";

    fn resource(&self, cloud: &Cloud) -> String {
        group_arn(cloud, &self.application_name, &self.deployment_group_name)
    }

    async fn handle(self, call: &Call) -> Result<CreateDeploymentOutput, ServiceError> {
        let cloud = &call.cloud;
        let store = cloud.part::<CodeDeploy>();
        let mut group = store.group(&self.application_name, &self.deployment_group_name)?.group;
        if self.target_instances.is_some() {
            let message = "Target instances are not valid for deployments of the compute platform ECS";
            return Err(ServiceError::new("InvalidTargetInstancesException", message));
        }
        let revision = self.revision.ok_or_else(|| {
            ServiceError::new("RevisionRequiredException", "The revision must be specified")
        })?;
        let revision = revisions::complete(revision)?;
        group.deployment_config_name = self.deployment_config_name.unwrap_or(group.deployment_config_name);
        let routing = store.config(&group.deployment_config_name)?.traffic_routing_config;
        if self.auto_rollback_configuration.is_some() {
            group.settings.auto_rollback_configuration = self.auto_rollback_configuration;
        }
        if self.override_alarm_configuration.is_some() {
            group.settings.alarm_configuration = self.override_alarm_configuration;
        }
        groups::check_ends(&group.settings)?;
        let mut row = new_row(cloud, group, revision.clone(), routing);
        row.info.description = self.description;
        row.info.creator = "user".to_owned();
        {
            let _making = store.making.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(active) = store.active(&self.application_name, &self.deployment_group_name) {
                return Err(ServiceError::new(
                    "DeploymentLimitExceededException",
                    format!(
                        "The Deployment Group '{}' already has an active Deployment '{}'",
                        self.deployment_group_name, active.info.deployment_id
                    ),
                ));
            }
            store.deployments.put(&row.info.deployment_id, &row)?;
        }
        let group = Some(self.deployment_group_name.as_str());
        revisions::note(cloud, &self.application_name, &revision, group)?;
        note_attempt(&store, &row.info)?;
        cloud.start::<Deployments>(&row.info.deployment_id);
        Ok(CreateDeploymentOutput { deployment_id: row.info.deployment_id })
    }
}

/// The group remembers its last deployment.
fn note_attempt(store: &CodeDeploy, info: &Info) -> Result<(), ServiceError> {
    let key = group_key(&info.application_name, &info.deployment_group_name);
    store.groups.update(&key, |row| {
        row.group.last_attempted_deployment = Some(LastDeployment {
            deployment_id: info.deployment_id.clone(),
            status: info.status.clone(),
            end_time: None,
            create_time: info.create_time.unwrap_or(Epoch(0.0)),
        });
    })?;
    Ok(())
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeployment {
    pub deployment_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeploymentOutput {
    pub deployment_info: Info,
}

impl Operation for GetDeployment {
    type Output = GetDeploymentOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetDeployment";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of_deployment(cloud, &self.deployment_id)
    }

    async fn handle(self, call: &Call) -> Result<GetDeploymentOutput, ServiceError> {
        let row = call.cloud.part::<CodeDeploy>().deployment(&self.deployment_id)?;
        Ok(GetDeploymentOutput { deployment_info: row.info })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchGetDeployments {
    pub deployment_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchGetDeploymentsOutput {
    pub deployments_info: Vec<Info>,
}

impl Operation for BatchGetDeployments {
    type Output = BatchGetDeploymentsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "BatchGetDeployments";

    /// Leaves out what is not there, as AWS does.
    async fn handle(self, call: &Call) -> Result<BatchGetDeploymentsOutput, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        let found = self.deployment_ids.iter().filter_map(|id| store.deployments.get(id));
        Ok(BatchGetDeploymentsOutput { deployments_info: found.map(|row| row.info).collect() })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListDeployments {
    pub application_name: Option<String>,
    pub deployment_group_name: Option<String>,
    pub include_only_statuses: Vec<String>,
    pub create_time_range: TimeRange,
    /// Of deployments that CloudFormation made, which there are none of.
    pub external_id: Option<String>,
}

/// Both ends are optional.
#[derive(Deserialize, Default, Serialize)]
#[serde(default)]
pub(crate) struct TimeRange {
    pub start: Option<Epoch>,
    pub end: Option<Epoch>,
}

impl TimeRange {
    fn holds(&self, time: Option<Epoch>) -> bool {
        let Some(time) = time else { return false };
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }
}

#[derive(Serialize)]
pub(crate) struct ListDeploymentsOutput {
    pub deployments: Vec<String>,
}

impl Operation for ListDeployments {
    type Output = ListDeploymentsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ListDeployments";

    fn resource(&self, cloud: &Cloud) -> String {
        match (&self.application_name, &self.deployment_group_name) {
            (Some(application), Some(group)) => group_arn(cloud, application, group),
            _ => "*".to_owned(),
        }
    }

    /// The newest first.
    async fn handle(self, call: &Call) -> Result<ListDeploymentsOutput, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        match (&self.application_name, &self.deployment_group_name) {
            (Some(application), Some(group)) => _ = store.group(application, group)?,
            // Both or neither, says the model.
            (Some(application), None) => {
                store.application(application)?;
                let message = "The deployment group name must be specified with an application name";
                return Err(ServiceError::new("DeploymentGroupNameRequiredException", message));
            }
            (None, Some(_)) => {
                let message = "The application name must be specified with a deployment group name";
                return Err(ServiceError::new("ApplicationNameRequiredException", message));
            }
            (None, None) => {}
        }
        if self.external_id.is_some() {
            let message = "the local cloud has no deployments that CloudFormation's hook made";
            return Err(ServiceError::new("InvalidExternalIdException", message));
        }
        let fits = |info: &Info| {
            self.create_time_range.holds(info.create_time)
                && self.application_name.as_ref().is_none_or(|name| *name == info.application_name)
                && self.deployment_group_name.as_ref().is_none_or(|name| *name == info.deployment_group_name)
                && (self.include_only_statuses.is_empty()
                    || self.include_only_statuses.contains(&info.status))
        };
        let rows = store.deployments.values().into_iter().map(|row| row.info);
        let mut found: Vec<_> = rows.filter(fits).collect();
        found.sort_by(|a, b| b.create_time.partial_cmp(&a.create_time).unwrap_or(std::cmp::Ordering::Equal));
        Ok(ListDeploymentsOutput { deployments: found.into_iter().map(|info| info.deployment_id).collect() })
    }
}
