//! Operations on tasks.

use serde::{Deserialize, Serialize};

use super::service_input::{PLATFORM_VERSION, check_network};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::ecs::definition::Tag;
use crate::services::ecs::engine::{NewTask, TaskEngine, ask_to_stop};
use crate::services::ecs::overrides::Overrides;
use crate::services::ecs::shapes::{Failure, NetworkConfiguration};
use crate::services::ecs::store::{EcsStore, cluster_name, invalid, last};
use crate::services::ecs::task::{Task, TaskRow};

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListTasks {
    pub cluster: Option<String>,
    pub family: Option<String>,
    pub started_by: Option<String>,
    pub service_name: Option<String>,
    /// `RUNNING` (the default) or `STOPPED`: what is wanted, not what is.
    pub desired_status: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTasksOutput {
    pub task_arns: Vec<String>,
}

impl Operation for ListTasks {
    type Output = ListTasksOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "ListTasks";

    async fn handle(self, call: &Call) -> Result<ListTasksOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let cluster = store.cluster(self.cluster.as_deref())?.cluster_name;
        if let Some(service) = &self.service_name {
            store.service(Some(&cluster), service)?;
        }
        let wanted = self.desired_status.as_deref().unwrap_or("RUNNING");
        let group = self.service_name.as_deref().map(|name| format!("service:{}", last(name)));
        let fits = |task: &Task| {
            let definition = last(&task.task_definition_arn);
            task.desired_status == wanted
                && group.as_ref().is_none_or(|group| *group == task.group)
                && self.started_by.as_ref().is_none_or(|by| task.started_by.as_ref() == Some(by))
                && self.family.as_deref().is_none_or(|family| definition.split(':').next() == Some(family))
        };
        let rows = store.tasks.with_prefix(&format!("{cluster}/"));
        let tasks = rows.into_iter().map(|(_, row)| row.task).filter(|task| fits(task));
        Ok(ListTasksOutput { task_arns: tasks.map(|task| task.task_arn).collect() })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DescribeTasks {
    pub cluster: Option<String>,
    /// Ids or ARNs, at most a hundred.
    pub tasks: Vec<String>,
    pub include: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct DescribeTasksOutput {
    pub tasks: Vec<Task>,
    pub failures: Vec<Failure>,
}

impl Operation for DescribeTasks {
    type Output = DescribeTasksOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DescribeTasks";

    async fn handle(self, call: &Call) -> Result<DescribeTasksOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let cluster = store.cluster(self.cluster.as_deref())?.cluster_name;
        if self.tasks.is_empty() || self.tasks.len() > 100 {
            return Err(invalid("Between 1 and 100 tasks can be described at a time."));
        }
        let mut output = DescribeTasksOutput { tasks: Vec::new(), failures: Vec::new() };
        for given in &self.tasks {
            match store.tasks.get(&format!("{cluster}/{}", last(given))) {
                Some(mut row) => {
                    if !self.include.iter().any(|what| what == "TAGS") {
                        row.task.tags.clear();
                    }
                    output.tasks.push(row.task);
                }
                None => {
                    let arn = call.cloud.arn("ecs", &format!("task/{cluster}/{}", last(given)));
                    output.failures.push(Failure::missing(arn));
                }
            }
        }
        Ok(output)
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StopTask {
    pub cluster: Option<String>,
    /// An id or ARN.
    pub task: String,
    pub reason: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct StopTaskOutput {
    pub task: Task,
}

impl Operation for StopTask {
    type Output = StopTaskOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "StopTask";

    fn resource(&self, cloud: &Cloud) -> String {
        let cluster = cluster_name(self.cluster.as_deref());
        cloud.arn("ecs", &format!("task/{cluster}/{}", last(&self.task)))
    }

    async fn handle(self, call: &Call) -> Result<StopTaskOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let cluster = store.cluster(self.cluster.as_deref())?.cluster_name;
        let key = format!("{cluster}/{}", last(&self.task));
        let reason = self.reason.unwrap_or_else(|| "Task stopped by user".to_owned());
        ask_to_stop(&call.cloud, &key, "UserInitiated", &reason)?;
        let row = store.tasks.get(&key).ok_or_else(|| invalid("The referenced task was not found."))?;
        Ok(StopTaskOutput { task: row.task })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RunTask {
    pub cluster: Option<String>,
    pub task_definition: String,
    pub count: Option<usize>,
    pub group: Option<String>,
    pub started_by: Option<String>,
    /// `EC2` where nothing is said, as no cluster here has a default capacity provider.
    pub launch_type: Option<String>,
    pub network_configuration: Option<NetworkConfiguration>,
    pub overrides: Overrides,
    /// A call with the token of an earlier one answers that one's tasks (ECS API, RunTask).
    pub client_token: Option<String>,
    pub tags: Vec<Tag>,
}

impl RunTask {
    /// The tasks that an earlier call with the same token started.
    fn earlier(
        &self,
        store: &EcsStore,
        (cluster, definition): (&str, &str),
    ) -> Result<Option<DescribeTasksOutput>, ServiceError> {
        let Some(token) = &self.client_token else { return Ok(None) };
        if token.len() > LONGEST_TOKEN
            || token.is_empty()
            || !token.bytes().all(|byte| (33..=126).contains(&byte))
        {
            return Err(invalid("Invalid idempotency token."));
        }
        let rows = store.tasks.with_prefix(&format!("{cluster}/")).into_iter().map(|(_, row)| row);
        let tasks: Vec<Task> =
            rows.filter(|row| row.client_token.as_ref() == Some(token)).map(|row| row.task).collect();
        match tasks.iter().all(|task| task.task_definition_arn == definition) {
            true => Ok((!tasks.is_empty()).then_some(DescribeTasksOutput { tasks, failures: Vec::new() })),
            // The model's exception; AWS's own words for it are in no source.
            false => Err(ServiceError::new(
                "ConflictException",
                format!("The client token {token} was used for other tasks."),
            )),
        }
    }
}

/// ECS API, RunTask: up to 64 characters of the range 33-126.
const LONGEST_TOKEN: usize = 64;

impl Operation for RunTask {
    type Output = DescribeTasksOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "RunTask";

    async fn handle(self, call: &Call) -> Result<DescribeTasksOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        let cluster = store.cluster(self.cluster.as_deref())?;
        let definition = store.active_definition(&self.task_definition)?;
        check_network(self.network_configuration.as_ref(), &definition)?;
        self.overrides.check(&definition)?;
        if self.launch_type.as_deref() != Some("FARGATE") {
            return Err(invalid("No Container Instances were found in your cluster."));
        }
        let place = (cluster.cluster_name.as_str(), definition.task_definition_arn.as_str());
        if let Some(earlier) = self.earlier(&store, place)? {
            return Ok(earlier);
        }
        let count = self.count.unwrap_or(1);
        if !(1..=10).contains(&count) {
            return Err(invalid("count must be between 1 and 10."));
        }
        let mut tasks = Vec::new();
        for _ in 0..count {
            let new = NewTask {
                cluster: &cluster.cluster_name,
                definition: &definition,
                group: self.group.clone().unwrap_or_else(|| format!("family:{}", definition.family)),
                started_by: self.started_by.clone(),
                platform_version: PLATFORM_VERSION.to_owned(),
                tags: self.tags.clone(),
            };
            let row = TaskRow {
                task: Task { overrides: self.overrides.clone(), ..new.into_task(&call.cloud) },
                network: self.network_configuration.clone(),
                client_token: self.client_token.clone(),
                ..TaskRow::default()
            };
            let key = format!("{}/{}", cluster.cluster_name, row.task.id());
            store.tasks.put(&key, &row)?;
            call.cloud.start::<TaskEngine>(&key);
            tasks.push(row.task);
        }
        Ok(DescribeTasksOutput { tasks, failures: Vec::new() })
    }
}
