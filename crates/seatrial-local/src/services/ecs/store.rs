//! The tables of ECS, and how names and ARNs find their rows.

use serde::{Deserialize, Serialize};

use super::definition::{Tag, TaskDefinition};
use super::shapes::{Cluster, Service, ServiceEvent, TaskSet};
use super::task::TaskRow;
use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::error::ServiceError;
use crate::fault::FaultKind;
use crate::persist::Table;

/// AWS answers the newest hundred.
const EVENTS: usize = 100;

pub(crate) struct EcsStore {
    /// By name.
    pub clusters: Table<Cluster>,
    /// By `FAMILY:` and the revision in ten digits.
    pub definitions: Table<DefinitionRow>,
    /// The last revision of each family: a number is never given twice.
    pub revisions: Table<i64>,
    /// By `CLUSTER/SERVICE`.
    pub services: Table<Service>,
    /// By `CLUSTER/SERVICE/ID`: task sets, and deployments of the ECS controller.
    pub task_sets: Table<TaskSetRow>,
    /// By `CLUSTER/ID`.
    pub tasks: Table<TaskRow>,
}

impl Part for EcsStore {
    fn open(setup: &Setup) -> Self {
        Self {
            clusters: setup.database.table("ecs-clusters"),
            definitions: setup.database.table("ecs-task-definitions"),
            revisions: setup.database.table("ecs-revisions"),
            services: setup.database.table("ecs-services"),
            task_sets: setup.database.table("ecs-task-sets"),
            tasks: setup.database.table("ecs-tasks"),
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DefinitionRow {
    pub definition: TaskDefinition,
    pub tags: Vec<Tag>,
}

/// A task set, or a deployment of the ECS controller, and what the scheduler keeps of it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TaskSetRow {
    pub set: TaskSet,
    /// Answered as a deployment.
    pub is_deployment: bool,
    /// Tasks that ended without having been healthy, one after another.
    pub failures: u32,
    pub failed_tasks: i64,
    /// No task is started before.
    pub retry_at: Option<Epoch>,
    /// What a fault does to its tasks.
    pub spoiled: Option<FaultKind>,
}

impl EcsStore {
    /// The row of a cluster given by name, ARN, or not at all.
    pub(crate) fn cluster(&self, given: Option<&str>) -> Result<Cluster, ServiceError> {
        let found = self.clusters.get(cluster_name(given));
        found.filter(|cluster| cluster.status == "ACTIVE").ok_or_else(cluster_not_found)
    }

    /// The key of a service given by name or ARN.
    pub(crate) fn service_key(&self, cluster: Option<&str>, given: &str) -> Result<String, ServiceError> {
        let cluster = self.cluster(cluster)?;
        Ok(format!("{}/{}", cluster.cluster_name, last(given)))
    }

    /// A service that is not INACTIVE, and its key.
    pub(crate) fn service(
        &self,
        cluster: Option<&str>,
        given: &str,
    ) -> Result<(String, Service), ServiceError> {
        let key = self.service_key(cluster, given)?;
        let service = self.services.get(&key).ok_or_else(service_not_found)?;
        if service.status == "INACTIVE" {
            return Err(ServiceError::new("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        Ok((key, service))
    }

    /// The task sets (or deployments) of a service, oldest first.
    pub(crate) fn task_sets_of(&self, service_key: &str) -> Vec<(String, TaskSetRow)> {
        let mut rows = self.task_sets.with_prefix(&format!("{service_key}/"));
        rows.sort_by(|a, b| {
            a.1.set.created_at.partial_cmp(&b.1.set.created_at).unwrap_or(std::cmp::Ordering::Equal)
        });
        rows
    }

    /// The tasks of a task set that have not stopped, oldest first, with their keys.
    pub(crate) fn live_tasks_of(&self, task_set_key: &str) -> Vec<(String, TaskRow)> {
        let cluster = task_set_key.split('/').next().unwrap_or_default();
        let mut rows = self.tasks.with_prefix(&format!("{cluster}/"));
        rows.retain(|(_, row)| {
            row.task_set.as_deref() == Some(task_set_key) && row.task.last_status != "STOPPED"
        });
        rows.sort_by(|a, b| {
            a.1.task.created_at.partial_cmp(&b.1.task.created_at).unwrap_or(std::cmp::Ordering::Equal)
        });
        rows
    }

    /// A revision by ARN, `FAMILY:REVISION`, or `FAMILY` for its latest active one.
    pub(crate) fn definition(&self, given: &str) -> Option<DefinitionRow> {
        match last(given).split_once(':') {
            Some((family, revision)) => self.definitions.get(&definition_key(family, revision.parse().ok()?)),
            None => {
                let rows = self.definitions.with_prefix(&format!("{}:", last(given)));
                rows.into_iter().map(|(_, row)| row).rfind(|row| row.definition.status == "ACTIVE")
            }
        }
    }

    /// A revision that tasks may be started from.
    pub(crate) fn active_definition(&self, given: &str) -> Result<TaskDefinition, ServiceError> {
        let row = self.definition(given).ok_or_else(|| client("TaskDefinition not found."))?;
        match row.definition.status.as_str() {
            "ACTIVE" => Ok(row.definition),
            _ => Err(client("TaskDefinition is inactive")),
        }
    }

    /// Notes an event in the service's history: `(service NAME) MESSAGE`, or `(service NAME, taskSet ID) …`.
    pub(crate) fn tell(
        &self,
        cloud: &Cloud,
        service_key: &str,
        task_set: Option<&str>,
        message: &str,
    ) -> Result<(), ServiceError> {
        self.services.update(service_key, |service| {
            // Taken here, where one comes after the other: the newest is the first.
            let now = cloud.clock().now();
            let name = &service.service_name;
            let message = match task_set {
                Some(id) => format!("(service {name}, taskSet {id}) {message}"),
                None => format!("(service {name}) {message}"),
            };
            service.events.insert(0, ServiceEvent { id: crate::id::uuid(), created_at: now, message });
            service.events.truncate(EVENTS);
        })?;
        Ok(())
    }
}

pub(crate) fn definition_key(family: &str, revision: i64) -> String {
    format!("{family}:{revision:010}")
}

/// `default` where none is given, as in AWS.
pub(crate) fn cluster_name(given: Option<&str>) -> &str {
    given.map_or("default", last)
}

/// The name at the end of an ARN; a name is its own.
pub(crate) fn last(given: &str) -> &str {
    given.rsplit('/').next().unwrap_or(given)
}

/// `ClientException`.
pub(crate) fn client(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ClientException", message)
}

/// `InvalidParameterException`.
pub(crate) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterException", message)
}

fn cluster_not_found() -> ServiceError {
    ServiceError::new("ClusterNotFoundException", "Cluster not found.")
}

pub(crate) fn service_not_found() -> ServiceError {
    ServiceError::new("ServiceNotFoundException", "Service not found.")
}
