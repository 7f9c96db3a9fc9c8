//! Operations on deployment groups.

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codedeploy::shapes::{Group, Settings};
use crate::services::codedeploy::store::{
    CodeDeploy, DEFAULT_CONFIG, GroupRow, SERVICE, group_arn, group_key,
};
use crate::tags::Tag;

/// AWS's, of a deployment group or a deployment (model, AlarmConfiguration).
const MOST_ALARMS: usize = 10;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CreateDeploymentGroup {
    pub application_name: String,
    pub deployment_group_name: String,
    pub deployment_config_name: Option<String>,
    pub service_role_arn: String,
    #[serde(flatten)]
    pub settings: Settings,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateDeploymentGroupOutput {
    pub deployment_group_id: String,
}

impl Operation for CreateDeploymentGroup {
    type Output = CreateDeploymentGroupOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "CreateDeploymentGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        group_arn(cloud, &self.application_name, &self.deployment_group_name)
    }

    async fn handle(self, call: &Call) -> Result<CreateDeploymentGroupOutput, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        let application = store.application(&self.application_name)?.application;
        let config = self.deployment_config_name.unwrap_or_else(|| DEFAULT_CONFIG.to_owned());
        store.config(&config)?;
        check(&self.settings)?;
        check_service_is_free(&store, &self.settings, None)?;
        let key = group_key(&self.application_name, &self.deployment_group_name);
        let group = Group {
            application_name: self.application_name,
            deployment_group_id: crate::id::uuid(),
            deployment_group_name: self.deployment_group_name,
            deployment_config_name: config,
            service_role_arn: self.service_role_arn,
            settings: self.settings,
            compute_platform: application.compute_platform,
            ..Group::default()
        };
        let row = GroupRow { group, tags: self.tags };
        if !store.groups.insert_new(&key, &row)? {
            let message =
                format!("Deployment group name already exists: {}", row.group.deployment_group_name);
            return Err(ServiceError::new("DeploymentGroupAlreadyExistsException", message));
        }
        Ok(CreateDeploymentGroupOutput { deployment_group_id: row.group.deployment_group_id })
    }
}

/// What ECS needs of a group.
fn check(settings: &Settings) -> Result<(), ServiceError> {
    let refuse = |code: &str, message: &str| Err(ServiceError::new(code, message));
    let style = settings.deployment_style.clone().unwrap_or_default();
    let is_blue_green = style.deployment_type.as_deref() == Some("BLUE_GREEN");
    if !is_blue_green || style.deployment_option.as_deref() != Some("WITH_TRAFFIC_CONTROL") {
        let message = "For ECS deployment group, deployment type must be BLUE_GREEN and deployment option \
                       WITH_TRAFFIC_CONTROL";
        return refuse("InvalidDeploymentStyleException", message);
    }
    let Some(services) = settings.ecs_services.as_deref().filter(|services| services.len() == 1) else {
        return refuse("InvalidECSServiceException", "Exactly one ECS service must be specified");
    };
    if services.iter().any(|service| service.service_name.is_empty() || service.cluster_name.is_empty()) {
        return refuse(
            "InvalidECSServiceException",
            "The ECS service needs a cluster name and a service name",
        );
    }
    let blue_green = settings.blue_green_deployment_configuration.clone().unwrap_or_default();
    if blue_green.terminate_blue_instances_on_deployment_success.is_none() {
        let message =
            "The blue/green deployment configuration needs terminateBlueInstancesOnDeploymentSuccess";
        return refuse("InvalidBlueGreenDeploymentConfigurationException", message);
    }
    let ready = blue_green.deployment_ready_option.unwrap_or_default();
    let waits = ready.wait_time_in_minutes.unwrap_or_default() > 0;
    if waits && ready.action_on_timeout.as_deref() != Some("STOP_DEPLOYMENT") {
        // AWS's words (hashicorp/terraform-provider-aws#9653).
        let message =
            "Deployment ready action cannot be set to 'CONTINUE_DEPLOYMENT' when timeout is specified";
        return refuse("InvalidBlueGreenDeploymentConfigurationException", message);
    }
    check_ends(settings)?;
    let Some(pair) = settings.pair() else {
        let message = "The load balancer information needs a target group pair";
        return refuse("InvalidLoadBalancerInfoException", message);
    };
    if pair.target_groups.len() != 2 || pair.prod_traffic_route.listener_arns.len() != 1 {
        let message = "A target group pair needs two target groups and one production listener";
        return refuse("InvalidTargetGroupPairException", message);
    }
    Ok(())
}

/// What ends a deployment early, by the model's texts of `InvalidAlarmConfigException` and
/// `InvalidAutoRollbackConfigException`.
pub(super) fn check_ends(settings: &Settings) -> Result<(), ServiceError> {
    let refuse = |code: &str, message: &str| Err(ServiceError::new(code, message));
    if let Some(alarms) = &settings.alarm_configuration {
        let mut names: Vec<_> = alarms.alarms.iter().map(|alarm| alarm.name.as_str()).collect();
        if names.len() > MOST_ALARMS {
            let message = "The maximum number of alarms for a deployment group (10) was exceeded";
            return refuse("AlarmsLimitExceededException", message);
        }
        if alarms.enabled && names.is_empty() {
            let message = "The alarm configuration is enabled, but the alarm list is empty";
            return refuse("InvalidAlarmConfigException", message);
        }
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) || names.contains(&"") {
            let message = "The names of alarms must not be empty, nor the same twice";
            return refuse("InvalidAlarmConfigException", message);
        }
    }
    let rollback = settings.auto_rollback_configuration.as_ref();
    if rollback.is_some_and(|rollback| rollback.enabled && rollback.events.is_empty()) {
        let message = "Automatic rollback is enabled, but no event types were listed";
        return refuse("InvalidAutoRollbackConfigException", message);
    }
    Ok(())
}

/// A service belongs to one deployment group.
fn check_service_is_free(
    store: &CodeDeploy,
    settings: &Settings,
    own_id: Option<&str>,
) -> Result<(), ServiceError> {
    let services = settings.ecs_services.clone().unwrap_or_default();
    let taken = store.groups.find(|row| {
        Some(row.group.deployment_group_id.as_str()) != own_id
            && row.group.settings.ecs_services.iter().flatten().any(|service| services.contains(service))
    });
    match taken {
        None => Ok(()),
        Some(row) => Err(ServiceError::new(
            "ECSServiceMappingLimitExceededException",
            format!(
                "The ECS service is already mapped to deployment group {} of application {}",
                row.group.deployment_group_name, row.group.application_name
            ),
        )),
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeploymentGroup {
    pub application_name: String,
    pub deployment_group_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeploymentGroupOutput {
    pub deployment_group_info: Group,
}

impl Operation for GetDeploymentGroup {
    type Output = GetDeploymentGroupOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetDeploymentGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        group_arn(cloud, &self.application_name, &self.deployment_group_name)
    }

    async fn handle(self, call: &Call) -> Result<GetDeploymentGroupOutput, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        let row = store.group(&self.application_name, &self.deployment_group_name)?;
        Ok(GetDeploymentGroupOutput { deployment_group_info: row.group })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UpdateDeploymentGroup {
    pub application_name: String,
    pub current_deployment_group_name: String,
    pub new_deployment_group_name: Option<String>,
    pub deployment_config_name: Option<String>,
    pub service_role_arn: Option<String>,
    #[serde(flatten)]
    pub settings: Settings,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateDeploymentGroupOutput {
    pub hooks_not_cleaned_up: Vec<String>,
}

impl Operation for UpdateDeploymentGroup {
    type Output = UpdateDeploymentGroupOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "UpdateDeploymentGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        group_arn(cloud, &self.application_name, &self.current_deployment_group_name)
    }

    async fn handle(self, call: &Call) -> Result<UpdateDeploymentGroupOutput, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        let mut row = store.group(&self.application_name, &self.current_deployment_group_name)?;
        if let Some(config) = self.deployment_config_name {
            row.group.deployment_config_name = store.config(&config)?.deployment_config_name;
        }
        row.group.service_role_arn = self.service_role_arn.unwrap_or(row.group.service_role_arn);
        row.group.settings.change(self.settings);
        check(&row.group.settings)?;
        check_service_is_free(&store, &row.group.settings, Some(&row.group.deployment_group_id))?;
        let old = group_key(&self.application_name, &self.current_deployment_group_name);
        row.group.deployment_group_name =
            self.new_deployment_group_name.unwrap_or(self.current_deployment_group_name);
        let new = group_key(&self.application_name, &row.group.deployment_group_name);
        store.groups.put(&new, &row)?;
        if new != old {
            store.groups.remove(&old)?;
        }
        Ok(UpdateDeploymentGroupOutput { hooks_not_cleaned_up: Vec::new() })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteDeploymentGroup {
    pub application_name: String,
    pub deployment_group_name: String,
}

impl Operation for DeleteDeploymentGroup {
    type Output = UpdateDeploymentGroupOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteDeploymentGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        group_arn(cloud, &self.application_name, &self.deployment_group_name)
    }

    /// One that is gone already counts as deleted, as in AWS.
    async fn handle(self, call: &Call) -> Result<UpdateDeploymentGroupOutput, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        store.groups.remove(&group_key(&self.application_name, &self.deployment_group_name))?;
        Ok(UpdateDeploymentGroupOutput { hooks_not_cleaned_up: Vec::new() })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListDeploymentGroups {
    pub application_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListDeploymentGroupsOutput {
    pub application_name: String,
    pub deployment_groups: Vec<String>,
}

impl Operation for ListDeploymentGroups {
    type Output = ListDeploymentGroupsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ListDeploymentGroups";

    async fn handle(self, call: &Call) -> Result<ListDeploymentGroupsOutput, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        store.application(&self.application_name)?;
        let rows = store.groups.with_prefix(&group_key(&self.application_name, ""));
        let deployment_groups = rows.into_iter().map(|(_, row)| row.group.deployment_group_name).collect();
        Ok(ListDeploymentGroupsOutput { application_name: self.application_name, deployment_groups })
    }
}
