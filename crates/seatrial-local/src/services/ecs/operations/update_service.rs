//! `UpdateService`, with what it refuses to a service that CodeDeploy deploys.

use serde::{Deserialize, Serialize};

use super::service_input::{check_load_balancers, check_network, check_target_group, latest, service_arn};
use super::services::{ServiceOutput, described};
use super::task_sets::NewTaskSet;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::ecs::engine::ServiceEngine;
use crate::services::ecs::shapes::{
    DeploymentConfiguration, DeploymentController, LoadBalancer, NetworkConfiguration, Service,
};
use crate::services::ecs::store::{EcsStore, cluster_name, invalid};

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UpdateService {
    pub cluster: Option<String>,
    pub service: String,
    pub desired_count: Option<i64>,
    pub task_definition: Option<String>,
    pub deployment_configuration: Option<DeploymentConfiguration>,
    pub network_configuration: Option<NetworkConfiguration>,
    pub platform_version: Option<String>,
    pub force_new_deployment: bool,
    pub health_check_grace_period_seconds: Option<i64>,
    pub load_balancers: Option<Vec<LoadBalancer>>,
    pub deployment_controller: Option<DeploymentController>,
    pub propagate_tags: Option<String>,
    #[serde(rename = "enableECSManagedTags")]
    pub enable_ecs_managed_tags: Option<bool>,
    pub enable_execute_command: Option<bool>,
}

impl Operation for UpdateService {
    type Output = ServiceOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "UpdateService";

    fn resource(&self, cloud: &Cloud) -> String {
        service_arn(cloud, cluster_name(self.cluster.as_deref()), &self.service)
    }

    async fn handle(self, call: &Call) -> Result<ServiceOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let (key, service) = store.service(self.cluster.as_deref(), &self.service)?;
        if service.status != "ACTIVE" {
            return Err(ServiceError::new("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        let by_codedeploy = service.deployment_controller.r#type == "CODE_DEPLOY";
        if by_codedeploy {
            self.refuse_what_codedeploy_does()?;
        }
        if self.deployment_controller.as_ref().is_some_and(|given| *given != service.deployment_controller) {
            return Err(invalid("The local cloud does not change the deployment controller of a service."));
        }
        if self.desired_count.is_some_and(|count| count < 0) {
            return Err(invalid("desiredCount must not be negative."));
        }
        let redeploys = !by_codedeploy && self.is_deployment();
        let preview = self.apply_to(service);
        let definition = match redeploys {
            true => self.checked_definition(call, &store, &preview).await?,
            false => preview.task_definition.clone(),
        };
        // Applied to the row as it is now: the engine may have noted events meanwhile.
        let changed = store.services.update(&key, |stored| {
            *stored = self.apply_to(std::mem::take(stored));
            stored.task_definition = definition;
            stored.clone()
        })?;
        let changed = changed.unwrap_or(preview);
        if redeploys {
            let new = NewTaskSet {
                network: changed.network_configuration.clone(),
                load_balancers: changed.load_balancers.clone(),
                ..NewTaskSet::new(changed.task_definition.clone())
            };
            new.make(&call.cloud, &key, &changed)?;
        }
        call.cloud.start::<ServiceEngine>(&key);
        Ok(ServiceOutput { service: described(&store, &key, changed) })
    }
}

impl UpdateService {
    fn is_deployment(&self) -> bool {
        self.force_new_deployment
            || self.task_definition.is_some()
            || self.network_configuration.is_some()
            || self.platform_version.is_some()
            || self.load_balancers.is_some()
    }

    fn refuse_what_codedeploy_does(&self) -> Result<(), ServiceError> {
        let refused = [
            (self.task_definition.is_some(), "Unable to update task definition on services"),
            (self.network_configuration.is_some(), "Unable to update network parameters on services"),
            (self.platform_version.is_some(), "Unable to update platform version on services"),
            (self.load_balancers.is_some(), "Unable to update load balancers on services"),
            (self.force_new_deployment, "Cannot force a new deployment on services"),
        ];
        match refused.iter().find(|(given, _)| *given) {
            Some((_, what)) => Err(invalid(format!(
                "{what} with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new \
                 deployment."
            ))),
            None => Ok(()),
        }
    }

    fn apply_to(&self, mut service: Service) -> Service {
        if let Some(count) = self.desired_count {
            service.desired_count = count;
        }
        if let Some(configuration) = &self.deployment_configuration {
            service.deployment_configuration = configuration.clone();
        }
        if let Some(network) = &self.network_configuration {
            service.network_configuration = Some(network.clone());
        }
        if self.platform_version.is_some() {
            service.platform_version = latest(self.platform_version.clone());
        }
        if let Some(grace) = self.health_check_grace_period_seconds {
            service.health_check_grace_period_seconds = Some(grace);
        }
        if let Some(balancers) = &self.load_balancers {
            service.load_balancers.clone_from(balancers);
        }
        if let Some(propagate) = &self.propagate_tags {
            service.propagate_tags.clone_from(propagate);
        }
        service.enable_ecs_managed_tags =
            self.enable_ecs_managed_tags.unwrap_or(service.enable_ecs_managed_tags);
        service.enable_execute_command =
            self.enable_execute_command.unwrap_or(service.enable_execute_command);
        service
    }

    async fn checked_definition(
        &self,
        call: &Call,
        store: &EcsStore,
        changed: &Service,
    ) -> Result<String, ServiceError> {
        let given = self.task_definition.as_deref().unwrap_or(&changed.task_definition);
        let definition = store.active_definition(given)?;
        check_network(changed.network_configuration.as_ref(), &definition)?;
        check_load_balancers(&changed.load_balancers, &definition)?;
        for balancer in changed.load_balancers.iter().filter_map(|lb| lb.target_group_arn.as_deref()) {
            check_target_group(call, balancer).await?;
        }
        Ok(definition.task_definition_arn)
    }
}
