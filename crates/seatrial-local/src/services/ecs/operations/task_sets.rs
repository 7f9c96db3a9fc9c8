//! Operations on task sets, with which CodeDeploy puts one version of a service beside another.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::service_input::{check_load_balancers, check_network, latest, service_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::ecs::definition::Tag;
use crate::services::ecs::engine::ServiceEngine;
use crate::services::ecs::shapes::{
    Deployment, Failure, LoadBalancer, NetworkConfiguration, Scale, Service, TaskSet,
};
use crate::services::ecs::store::{EcsStore, TaskSetRow, invalid, last};

/// A task set, or a deployment of the ECS controller, to be made.
#[derive(Default)]
pub(super) struct NewTaskSet {
    pub task_definition: String,
    pub external_id: Option<String>,
    pub started_by: Option<String>,
    pub network: Option<NetworkConfiguration>,
    pub load_balancers: Vec<LoadBalancer>,
    pub scale: Scale,
    /// It stands beside the primary one instead of taking its place.
    pub is_second: bool,
    pub tags: Vec<Tag>,
}

impl NewTaskSet {
    pub(super) fn new(task_definition: String) -> Self {
        Self { task_definition, ..Self::default() }
    }

    /// Makes it, and takes an armed fault of tasks with it.
    pub(super) fn make(
        self,
        cloud: &Cloud,
        service_key: &str,
        service: &Service,
    ) -> Result<TaskSetRow, ServiceError> {
        let store = cloud.part::<EcsStore>();
        let now = Some(cloud.clock().now());
        // As AWS's: 19 digits.
        let id = format!("ecs-svc/{}", rand::rng().random_range(10_u64.pow(18)..10_u64.pow(19)));
        let is_deployment = service.deployment_controller.r#type == "ECS";
        if !self.is_second {
            demote(&store, service_key)?;
        }
        let set = TaskSet {
            task_set_arn: cloud.arn("ecs", &format!("task-set/{service_key}/{id}")),
            service_arn: service.service_arn.clone(),
            cluster_arn: service.cluster_arn.clone(),
            started_by: self.started_by,
            external_id: self.external_id,
            status: if self.is_second { "ACTIVE" } else { "PRIMARY" }.to_owned(),
            task_definition: self.task_definition,
            computed_desired_count: self.scale.share(service.desired_count),
            created_at: now,
            updated_at: now,
            launch_type: service.launch_type.clone(),
            platform_version: service.platform_version.clone(),
            platform_family: service.platform_family.clone(),
            network_configuration: self.network,
            load_balancers: self.load_balancers,
            scale: self.scale,
            stability_status: "STABILIZING".to_owned(),
            stability_status_at: now,
            tags: self.tags,
            id,
            ..TaskSet::default()
        };
        let spoiled = cloud.faults().take_of_tasks();
        let row = TaskSetRow { set, is_deployment, spoiled, ..TaskSetRow::default() };
        store.task_sets.put(&format!("{service_key}/{}", row.set.id), &row)?;
        Ok(row)
    }
}

/// What was primary is no more than active.
fn demote(store: &EcsStore, service_key: &str) -> Result<(), ServiceError> {
    for (key, row) in store.task_sets_of(service_key) {
        if row.set.status == "PRIMARY" {
            store.task_sets.update(&key, |row| row.set.status = "ACTIVE".to_owned())?;
        }
    }
    Ok(())
}

impl TaskSetRow {
    pub(super) fn as_deployment(&self) -> Deployment {
        let set = &self.set;
        let is_steady = set.stability_status == "STEADY_STATE";
        let done = is_steady || set.status != "PRIMARY";
        Deployment {
            id: set.id.clone(),
            status: if set.status == "DRAINING" { "ACTIVE".to_owned() } else { set.status.clone() },
            task_definition: set.task_definition.clone(),
            desired_count: set.computed_desired_count,
            pending_count: set.pending_count,
            running_count: set.running_count,
            failed_tasks: self.failed_tasks,
            created_at: set.created_at,
            updated_at: set.updated_at,
            launch_type: set.launch_type.clone(),
            platform_version: set.platform_version.clone(),
            platform_family: set.platform_family.clone(),
            network_configuration: set.network_configuration.clone(),
            rollout_state: if done { "COMPLETED" } else { "IN_PROGRESS" }.to_owned(),
            rollout_state_reason: format!(
                "ECS deployment {} {}.",
                set.id,
                if done { "completed" } else { "in progress" }
            ),
        }
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CreateTaskSet {
    pub cluster: String,
    pub service: String,
    /// The deployment's id.
    pub external_id: Option<String>,
    pub task_definition: String,
    pub network_configuration: Option<NetworkConfiguration>,
    pub load_balancers: Vec<LoadBalancer>,
    pub launch_type: Option<String>,
    pub platform_version: Option<String>,
    pub scale: Option<Scale>,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskSetOutput {
    pub task_set: TaskSet,
}

impl Operation for CreateTaskSet {
    type Output = TaskSetOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "CreateTaskSet";

    fn resource(&self, cloud: &Cloud) -> String {
        service_arn(cloud, last(&self.cluster), &self.service)
    }

    async fn handle(self, call: &Call) -> Result<TaskSetOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let (key, mut service) = store.service(Some(&self.cluster), &self.service)?;
        check_controller(&service, "create task set")?;
        if service.status != "ACTIVE" {
            return Err(ServiceError::new("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        let definition = store.active_definition(&self.task_definition)?;
        let network = self.network_configuration.or_else(|| service.network_configuration.clone());
        check_network(network.as_ref(), &definition)?;
        check_load_balancers(&self.load_balancers, &definition)?;
        if self.platform_version.is_some() {
            service.platform_version = latest(self.platform_version);
        }
        let new = NewTaskSet {
            task_definition: definition.task_definition_arn,
            external_id: self.external_id,
            started_by: Some("CODE_DEPLOY".to_owned()),
            network,
            load_balancers: self.load_balancers,
            scale: self.scale.unwrap_or_default(),
            is_second: true,
            tags: self.tags,
        };
        let row = new.make(&call.cloud, &key, &service)?;
        call.cloud.start::<ServiceEngine>(&key);
        Ok(TaskSetOutput { task_set: row.set })
    }
}

fn check_controller(service: &Service, what: &str) -> Result<(), ServiceError> {
    match service.deployment_controller.r#type.as_str() {
        "ECS" => Err(invalid(format!("Unable to {what} on services with an ECS deployment controller."))),
        _ => Ok(()),
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DescribeTaskSets {
    pub cluster: String,
    pub service: String,
    /// Ids or ARNs; empty for all.
    pub task_sets: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeTaskSetsOutput {
    pub task_sets: Vec<TaskSet>,
    pub failures: Vec<Failure>,
}

impl Operation for DescribeTaskSets {
    type Output = DescribeTaskSetsOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DescribeTaskSets";

    async fn handle(self, call: &Call) -> Result<DescribeTaskSetsOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let (key, _) = store.service(Some(&self.cluster), &self.service)?;
        let sets: Vec<_> = store.task_sets_of(&key).into_iter().map(|(_, row)| row.set).collect();
        if self.task_sets.is_empty() {
            return Ok(DescribeTaskSetsOutput { task_sets: sets, failures: Vec::new() });
        }
        let mut output = DescribeTaskSetsOutput { task_sets: Vec::new(), failures: Vec::new() };
        for given in self.task_sets {
            match sets.iter().find(|set| last(&set.id) == last(&given)) {
                Some(set) => output.task_sets.push(set.clone()),
                None => output.failures.push(Failure::missing(given)),
            }
        }
        Ok(output)
    }
}

/// The key of the task set that an id or ARN names.
fn task_set_key(store: &EcsStore, service_key: &str, given: &str) -> Result<String, ServiceError> {
    let key = format!("{service_key}/ecs-svc/{}", last(given));
    match store.task_sets.contains(&key) {
        true => Ok(key),
        false => {
            Err(ServiceError::new("TaskSetNotFoundException", "The specified task set could not be found."))
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateTaskSet {
    pub cluster: String,
    pub service: String,
    pub task_set: String,
    pub scale: Scale,
}

impl Operation for UpdateTaskSet {
    type Output = TaskSetOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "UpdateTaskSet";

    async fn handle(self, call: &Call) -> Result<TaskSetOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let (service_key, service) = store.service(Some(&self.cluster), &self.service)?;
        check_controller(&service, "update task set")?;
        let key = task_set_key(&store, &service_key, &self.task_set)?;
        let now = call.cloud.clock().now();
        let set = store.task_sets.update(&key, |row| {
            row.set.computed_desired_count = self.scale.share(service.desired_count);
            row.set.scale = self.scale;
            row.set.updated_at = Some(now);
            row.set.stability_status = "STABILIZING".to_owned();
            row.set.clone()
        })?;
        call.cloud.start::<ServiceEngine>(&service_key);
        Ok(TaskSetOutput { task_set: set.unwrap_or_default() })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateServicePrimaryTaskSet {
    pub cluster: String,
    pub service: String,
    /// An id or ARN.
    pub primary_task_set: String,
}

impl Operation for UpdateServicePrimaryTaskSet {
    type Output = TaskSetOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "UpdateServicePrimaryTaskSet";

    fn resource(&self, cloud: &Cloud) -> String {
        service_arn(cloud, last(&self.cluster), &self.service)
    }

    /// The service's own parameters become those of the task set.
    async fn handle(self, call: &Call) -> Result<TaskSetOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let (service_key, service) = store.service(Some(&self.cluster), &self.service)?;
        check_controller(&service, "update primary task set")?;
        let key = task_set_key(&store, &service_key, &self.primary_task_set)?;
        demote(&store, &service_key)?;
        let now = call.cloud.clock().now();
        let set = store.task_sets.update(&key, |row| {
            row.set.status = "PRIMARY".to_owned();
            row.set.updated_at = Some(now);
            row.set.clone()
        })?;
        let set = set.unwrap_or_default();
        store.services.update(&service_key, |service| {
            service.task_definition.clone_from(&set.task_definition);
            service.load_balancers.clone_from(&set.load_balancers);
            service.network_configuration.clone_from(&set.network_configuration);
            service.platform_version.clone_from(&set.platform_version);
        })?;
        call.cloud.start::<ServiceEngine>(&service_key);
        Ok(TaskSetOutput { task_set: set })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteTaskSet {
    pub cluster: String,
    pub service: String,
    /// An id or ARN.
    pub task_set: String,
    /// Deletes it though it is not scaled to zero.
    #[serde(default)]
    pub force: bool,
}

impl Operation for DeleteTaskSet {
    type Output = TaskSetOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DeleteTaskSet";

    fn resource(&self, cloud: &Cloud) -> String {
        service_arn(cloud, last(&self.cluster), &self.service)
    }

    /// The task set is DRAINING until its last task has stopped, then gone.
    async fn handle(self, call: &Call) -> Result<TaskSetOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let (service_key, service) = store.service(Some(&self.cluster), &self.service)?;
        check_controller(&service, "delete task set")?;
        let key = task_set_key(&store, &service_key, &self.task_set)?;
        let now = call.cloud.clock().now();
        let set = store.task_sets.try_update(&key, |row| {
            if row.set.status == "PRIMARY" {
                return Err(invalid("The primary task set cannot be deleted."));
            }
            if row.set.computed_desired_count > 0 && !self.force {
                return Err(invalid("The task set cannot be deleted while it is scaled above 0."));
            }
            row.set.status = "DRAINING".to_owned();
            row.set.computed_desired_count = 0;
            row.set.updated_at = Some(now);
            row.set.stability_status = "STABILIZING".to_owned();
            Ok(row.set.clone())
        })?;
        call.cloud.start::<ServiceEngine>(&service_key);
        Ok(TaskSetOutput { task_set: set.unwrap_or_default() })
    }
}
