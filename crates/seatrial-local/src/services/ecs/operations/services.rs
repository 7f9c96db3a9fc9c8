//! Operations on services: made, described, listed and deleted. Their changes are in `update_service`.

use serde::{Deserialize, Serialize};

use super::service_input::{check_load_balancers, check_network, check_target_group, latest, service_arn};
use super::task_sets::NewTaskSet;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::ecs::definition::{Tag, TaskDefinition};
use crate::services::ecs::engine::ServiceEngine;
use crate::services::ecs::shapes::{
    DeploymentConfiguration, DeploymentController, Failure, LoadBalancer, NetworkConfiguration, Service,
};
use crate::services::ecs::store::{EcsStore, cluster_name, invalid, last};

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CreateService {
    pub cluster: Option<String>,
    pub service_name: String,
    pub task_definition: Option<String>,
    pub load_balancers: Vec<LoadBalancer>,
    pub desired_count: Option<i64>,
    pub launch_type: Option<String>,
    pub platform_version: Option<String>,
    pub deployment_configuration: Option<DeploymentConfiguration>,
    pub network_configuration: Option<NetworkConfiguration>,
    pub health_check_grace_period_seconds: Option<i64>,
    pub scheduling_strategy: Option<String>,
    pub deployment_controller: Option<DeploymentController>,
    pub tags: Vec<Tag>,
    #[serde(rename = "enableECSManagedTags")]
    pub enable_ecs_managed_tags: bool,
    pub propagate_tags: Option<String>,
    pub enable_execute_command: bool,
}

#[derive(Serialize)]
pub(crate) struct ServiceOutput {
    pub service: Service,
}

impl Operation for CreateService {
    type Output = ServiceOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "CreateService";

    fn resource(&self, cloud: &Cloud) -> String {
        service_arn(cloud, cluster_name(self.cluster.as_deref()), &self.service_name)
    }

    async fn handle(self, call: &Call) -> Result<ServiceOutput, ServiceError> {
        let cloud = &call.cloud;
        let store = cloud.part::<EcsStore>();
        let cluster = store.cluster(self.cluster.as_deref())?;
        let key = format!("{}/{}", cluster.cluster_name, self.service_name);
        match store.services.get(&key).map(|service| service.status) {
            Some(status) if status == "ACTIVE" => {
                return Err(invalid("Creation of service was not idempotent."));
            }
            Some(status) if status == "DRAINING" => {
                return Err(invalid("Unable to Start a service that is still Draining."));
            }
            _ => {}
        }
        let definition = store.active_definition(self.task_definition.as_deref().unwrap_or_default())?;
        self.check(&definition)?;
        for target_group in self.load_balancers.iter().filter_map(|lb| lb.target_group_arn.as_deref()) {
            check_target_group(call, target_group).await?;
        }
        let arn = service_arn(cloud, &cluster.cluster_name, &self.service_name);
        let new = NewTaskSet {
            network: self.network_configuration.clone(),
            load_balancers: self.load_balancers.clone(),
            ..NewTaskSet::new(definition.task_definition_arn.clone())
        };
        let service = self.into_service(call, (arn, cluster.cluster_arn), definition.task_definition_arn);
        store.services.put(&key, &service)?;
        new.make(cloud, &key, &service)?;
        cloud.start::<ServiceEngine>(&key);
        Ok(ServiceOutput { service: described(&store, &key, service) })
    }
}

impl CreateService {
    fn check(&self, definition: &TaskDefinition) -> Result<(), ServiceError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.service_name.is_empty()
            || self.service_name.len() > 255
            || !self.service_name.bytes().all(fits)
        {
            return Err(invalid(
                "The service name must be 1 to 255 letters, numbers, underscores and hyphens.",
            ));
        }
        let controller = self.deployment_controller.as_ref().map_or("ECS", |given| given.r#type.as_str());
        if !matches!(controller, "ECS" | "CODE_DEPLOY") {
            return Err(invalid(format!("The local cloud serves no deployment controller {controller}.")));
        }
        if controller == "CODE_DEPLOY" && self.load_balancers.len() != 1 {
            return Err(invalid("A load balancer is required for a service with a CODE_DEPLOY controller."));
        }
        if self.load_balancers.is_empty() && self.health_check_grace_period_seconds.is_some_and(|s| s > 0) {
            return Err(invalid(
                "Health check grace period is only valid for services configured to use load balancers",
            ));
        }
        // Well known from tools that set the one and forget the other; no page of AWS has the words.
        if self.enable_execute_command && definition.content.task_role_arn.is_none() {
            return Err(invalid(
                "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid \
                 task role in your task definition and try again.",
            ));
        }
        check_network(self.network_configuration.as_ref(), definition)?;
        check_load_balancers(&self.load_balancers, definition)
    }

    fn into_service(self, call: &Call, arns: (String, String), task_definition: String) -> Service {
        Service {
            service_arn: arns.0,
            service_name: self.service_name,
            cluster_arn: arns.1,
            load_balancers: self.load_balancers,
            status: "ACTIVE".to_owned(),
            desired_count: self.desired_count.unwrap_or(1),
            launch_type: self.launch_type.unwrap_or_else(|| "FARGATE".to_owned()),
            platform_version: latest(self.platform_version),
            platform_family: "Linux".to_owned(),
            task_definition,
            deployment_configuration: self.deployment_configuration.unwrap_or(DeploymentConfiguration {
                deployment_circuit_breaker: None,
                maximum_percent: Some(200),
                minimum_healthy_percent: Some(100),
            }),
            role_arn: Some(format!(
                "arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
                call.cloud.account()
            )),
            created_at: Some(call.cloud.clock().now()),
            network_configuration: self.network_configuration,
            health_check_grace_period_seconds: self.health_check_grace_period_seconds,
            scheduling_strategy: self.scheduling_strategy.unwrap_or_else(|| "REPLICA".to_owned()),
            deployment_controller: self
                .deployment_controller
                .unwrap_or(DeploymentController { r#type: "ECS".to_owned() }),
            tags: self.tags,
            created_by: call.principal.arn.clone(),
            enable_ecs_managed_tags: self.enable_ecs_managed_tags,
            propagate_tags: self.propagate_tags.unwrap_or_else(|| "NONE".to_owned()),
            enable_execute_command: self.enable_execute_command,
            ..Service::default()
        }
    }
}

/// The service with its counts, and its task sets or deployments.
pub(super) fn described(store: &EcsStore, key: &str, mut service: Service) -> Service {
    if let Some(stored) = store.services.get(key) {
        service.events = stored.events;
    }
    for (_, row) in store.task_sets_of(key).into_iter().rev() {
        service.running_count += row.set.running_count;
        service.pending_count += row.set.pending_count;
        match row.is_deployment {
            true => service.deployments.push(row.as_deployment()),
            false => service.task_sets.push(row.set),
        }
    }
    service
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DescribeServices {
    pub cluster: Option<String>,
    /// Names or ARNs, at most ten.
    pub services: Vec<String>,
    pub include: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct DescribeServicesOutput {
    pub services: Vec<Service>,
    pub failures: Vec<Failure>,
}

impl Operation for DescribeServices {
    type Output = DescribeServicesOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DescribeServices";

    fn resource(&self, cloud: &Cloud) -> String {
        let cluster = cluster_name(self.cluster.as_deref());
        self.services.first().map_or_else(|| "*".to_owned(), |service| service_arn(cloud, cluster, service))
    }

    async fn handle(self, call: &Call) -> Result<DescribeServicesOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let cluster = store.cluster(self.cluster.as_deref())?.cluster_name;
        if self.services.is_empty() || self.services.len() > 10 {
            return Err(invalid("Between 1 and 10 services can be described at a time."));
        }
        let mut output = DescribeServicesOutput { services: Vec::new(), failures: Vec::new() };
        for given in &self.services {
            let key = format!("{cluster}/{}", last(given));
            match store.services.get(&key) {
                Some(mut service) => {
                    if !self.include.iter().any(|what| what == "TAGS") {
                        service.tags.clear();
                    }
                    output.services.push(described(&store, &key, service));
                }
                None => {
                    let arn = service_arn(&call.cloud, &cluster, given);
                    output.failures.push(Failure::missing(arn));
                }
            }
        }
        Ok(output)
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListServices {
    pub cluster: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListServicesOutput {
    pub service_arns: Vec<String>,
}

impl Operation for ListServices {
    type Output = ListServicesOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "ListServices";

    async fn handle(self, call: &Call) -> Result<ListServicesOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let cluster = store.cluster(self.cluster.as_deref())?.cluster_name;
        let services = store.services.with_prefix(&format!("{cluster}/"));
        let listed = services.into_iter().filter(|(_, service)| service.status != "INACTIVE");
        Ok(ListServicesOutput { service_arns: listed.map(|(_, service)| service.service_arn).collect() })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeleteService {
    pub cluster: Option<String>,
    pub service: String,
    /// Deletes it though tasks are wanted of it.
    pub force: bool,
}

impl Operation for DeleteService {
    type Output = ServiceOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DeleteService";

    fn resource(&self, cloud: &Cloud) -> String {
        service_arn(cloud, cluster_name(self.cluster.as_deref()), &self.service)
    }

    /// The service is DRAINING until its last task has stopped, then INACTIVE.
    async fn handle(self, call: &Call) -> Result<ServiceOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let (key, service) = store.service(self.cluster.as_deref(), &self.service)?;
        let wanted = store.task_sets_of(&key).iter().any(|(_, row)| row.set.computed_desired_count > 0);
        if wanted && service.desired_count > 0 && !self.force {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        let draining = store.services.update(&key, |service| {
            service.status = "DRAINING".to_owned();
            service.desired_count = 0;
            service.clone()
        })?;
        call.cloud.start::<ServiceEngine>(&key);
        Ok(ServiceOutput { service: described(&store, &key, draining.unwrap_or(service)) })
    }
}
