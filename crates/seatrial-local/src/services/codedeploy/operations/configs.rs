//! Operations on deployment configurations.

use serde::{Deserialize, Serialize};

use super::Empty;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codedeploy::shapes::{Config, Routing};
use crate::services::codedeploy::store::{CodeDeploy, PREDEFINED, SERVICE};

fn arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn(SERVICE, &format!("deploymentconfig:{name}"))
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CreateDeploymentConfig {
    pub deployment_config_name: String,
    pub compute_platform: Option<String>,
    pub traffic_routing_config: Option<Routing>,
    /// Both of the compute platform Server alone.
    pub minimum_healthy_hosts: Option<serde_json::Value>,
    pub zonal_config: Option<serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateDeploymentConfigOutput {
    pub deployment_config_id: String,
}

impl Operation for CreateDeploymentConfig {
    type Output = CreateDeploymentConfigOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "CreateDeploymentConfig";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.deployment_config_name)
    }

    async fn handle(self, call: &Call) -> Result<CreateDeploymentConfigOutput, ServiceError> {
        let name = self.deployment_config_name;
        if name.starts_with("CodeDeployDefault") {
            let message = "Deployment configuration names must not begin with CodeDeployDefault";
            return Err(ServiceError::new("InvalidDeploymentConfigNameException", message));
        }
        if self.compute_platform.as_deref() != Some("ECS") {
            let message = "the local cloud serves deployment configurations of the compute platform ECS only";
            return Err(ServiceError::new("InvalidComputePlatformException", message));
        }
        if self.minimum_healthy_hosts.is_some() {
            let message = "Minimum healthy hosts are not valid for the compute platform ECS";
            return Err(ServiceError::new("InvalidMinimumHealthyHostValueException", message));
        }
        if self.zonal_config.is_some() {
            let message = "A zonal configuration is not valid for the compute platform ECS";
            return Err(ServiceError::new("InvalidZonalDeploymentConfigurationException", message));
        }
        let routing = self.traffic_routing_config.unwrap_or_default();
        check(&routing)?;
        let config = Config {
            deployment_config_id: crate::id::uuid(),
            deployment_config_name: name.clone(),
            create_time: call.cloud.clock().now(),
            compute_platform: "ECS".to_owned(),
            traffic_routing_config: routing,
        };
        match call.cloud.part::<CodeDeploy>().configs.insert_new(&name, &config)? {
            true => Ok(CreateDeploymentConfigOutput { deployment_config_id: config.deployment_config_id }),
            false => {
                let message = format!("Deployment configuration name already exists: {name}");
                Err(ServiceError::new("DeploymentConfigAlreadyExistsException", message))
            }
        }
    }
}

fn check(routing: &Routing) -> Result<(), ServiceError> {
    let part = match (routing.r#type.as_str(), &routing.time_based_canary, &routing.time_based_linear) {
        ("AllAtOnce", None, None) => return Ok(()),
        ("TimeBasedCanary", Some(canary), None) => (canary.canary_percentage, canary.canary_interval),
        ("TimeBasedLinear", None, Some(linear)) => (linear.linear_percentage, linear.linear_interval),
        (kind, ..) => {
            let message = format!("The traffic routing configuration does not fit its type {kind}");
            return Err(ServiceError::new("InvalidTrafficRoutingConfigurationException", message));
        }
    };
    match part {
        (1..=99, 1..=2880) => Ok(()),
        (percentage, interval) => Err(ServiceError::new(
            "InvalidTrafficRoutingConfigurationException",
            format!(
                "The percentage must be between 1 and 99, and the interval between 1 and 2880 minutes; \
                 found {percentage} and {interval}"
            ),
        )),
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeploymentConfig {
    pub deployment_config_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeploymentConfigOutput {
    pub deployment_config_info: Config,
}

impl Operation for GetDeploymentConfig {
    type Output = GetDeploymentConfigOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetDeploymentConfig";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.deployment_config_name)
    }

    async fn handle(self, call: &Call) -> Result<GetDeploymentConfigOutput, ServiceError> {
        let config = call.cloud.part::<CodeDeploy>().config(&self.deployment_config_name)?;
        Ok(GetDeploymentConfigOutput { deployment_config_info: config })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct ListDeploymentConfigs {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListDeploymentConfigsOutput {
    pub deployment_configs_list: Vec<String>,
}

impl Operation for ListDeploymentConfigs {
    type Output = ListDeploymentConfigsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ListDeploymentConfigs";

    async fn handle(self, call: &Call) -> Result<ListDeploymentConfigsOutput, ServiceError> {
        let own = call.cloud.part::<CodeDeploy>().configs.entries();
        let own = own.into_iter().map(|(name, _)| name);
        let predefined = PREDEFINED.into_iter().map(str::to_owned);
        Ok(ListDeploymentConfigsOutput { deployment_configs_list: predefined.chain(own).collect() })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteDeploymentConfig {
    pub deployment_config_name: String,
}

impl Operation for DeleteDeploymentConfig {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteDeploymentConfig";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.deployment_config_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        let name = &self.deployment_config_name;
        if PREDEFINED.contains(&name.as_str()) {
            let message = format!("Deployment configuration {name} is predefined and cannot be deleted");
            return Err(ServiceError::new("InvalidOperationException", message));
        }
        if store.groups.find(|row| row.group.deployment_config_name == *name).is_some() {
            let message = format!("Deployment configuration is in use: {name}");
            return Err(ServiceError::new("DeploymentConfigInUseException", message));
        }
        store.configs.remove(name)?;
        Ok(Empty {})
    }
}
