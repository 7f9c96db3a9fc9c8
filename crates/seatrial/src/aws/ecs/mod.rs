//! ECS: services, task sets and tasks, as far as they are shown and waited for.

mod task_definition;

use aws_sdk_ecs::types as sdk;
use aws_sdk_ecs::types::{DesiredStatus, TaskDefinitionStatus, TaskField};

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "ECS";

/// A service as DescribeServices answers it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Service {
    pub task_sets: Vec<TaskSet>,
}

/// A task set of a service.
#[derive(Debug, Clone)]
pub(crate) struct TaskSet {
    /// PRIMARY, ACTIVE or DRAINING.
    pub status: String,
    pub task_definition: String,
}

/// A task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub arn: String,
    pub last_status: String,
    pub task_definition: String,
}

/// A task that ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoppedTask {
    pub arn: String,
    pub reason: String,
    /// `container: reason or exit code`.
    pub containers: Vec<String>,
}

impl Aws {
    pub(crate) async fn describe_service(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<Option<Service>, AwsError> {
        let answer = self.ecs().describe_services().cluster(cluster).services(name).send().await;
        let attempt = || format!("describe service `{name}` of cluster `{cluster}`");
        match answer.attempt(SERVICE, attempt) {
            Ok(answer) => {
                let services = answer.services.unwrap_or_default();
                Ok(services.into_iter().find(|s| s.status() != Some("INACTIVE")).map(service))
            }
            Err(error) if error.is("ClusterNotFoundException") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The running and starting tasks of a service.
    pub(crate) async fn tasks(&self, cluster: &str, service: &str) -> Result<Vec<Task>, AwsError> {
        let tasks = self.described(cluster, service, DesiredStatus::Running).await?;
        Ok(tasks.into_iter().map(task).collect())
    }

    /// The tasks of a service that ended a short while ago: ECS forgets them after an hour.
    pub(crate) async fn stopped_tasks(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Vec<StoppedTask>, AwsError> {
        let tasks = self.described(cluster, service, DesiredStatus::Stopped).await?;
        Ok(tasks.into_iter().map(stopped_task).collect())
    }

    async fn described(
        &self,
        cluster: &str,
        service: &str,
        desired: DesiredStatus,
    ) -> Result<Vec<sdk::Task>, AwsError> {
        let answer = self
            .ecs()
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .desired_status(desired)
            .send()
            .await;
        let arns = match answer.attempt(SERVICE, || format!("list the tasks of service `{service}`")) {
            Ok(answer) => answer.task_arns.unwrap_or_default(),
            Err(error) if error.is("ClusterNotFoundException") || error.is("ServiceNotFoundException") => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self
            .ecs()
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(arns))
            .include(TaskField::Tags)
            .send()
            .await;
        let answer = answer.attempt(SERVICE, || format!("describe the tasks of service `{service}`"))?;
        Ok(answer.tasks.unwrap_or_default())
    }

    /// The ARN of the family's newest active revision; `None` if it has none.
    pub(crate) async fn active_task_definition(&self, family: &str) -> Result<Option<String>, AwsError> {
        let answer = self
            .ecs()
            .list_task_definitions()
            .family_prefix(family)
            .status(TaskDefinitionStatus::Active)
            .sort(sdk::SortOrder::Desc)
            .send()
            .await
            .attempt(SERVICE, || format!("list the task definitions of family `{family}`"))?;
        let exactly = |arn: &String| {
            arn.rsplit('/')
                .next()
                .and_then(|tail| tail.rsplit_once(':'))
                .is_some_and(|(name, _)| name == family)
        };
        Ok(answer.task_definition_arns.unwrap_or_default().into_iter().find(exactly))
    }

    /// The images of a task definition's containers.
    pub(crate) async fn task_definition_images(&self, arn: &str) -> Result<Vec<String>, AwsError> {
        let answer = self.ecs().describe_task_definition().task_definition(arn).send().await;
        let answer = answer.attempt(SERVICE, || format!("describe task definition `{arn}`"))?;
        let definition = answer.task_definition.and_then(|definition| definition.container_definitions);
        Ok(definition.unwrap_or_default().into_iter().filter_map(|container| container.image).collect())
    }

    /// Deregisters every active revision of a family; answers how many.
    pub(crate) async fn deregister_family(&self, family: &str) -> Result<usize, AwsError> {
        let mut count = 0;
        while let Some(arn) = self.active_task_definition(family).await? {
            let answer = self.ecs().deregister_task_definition().task_definition(&arn).send().await;
            answer.attempt(SERVICE, || format!("deregister task definition `{arn}`"))?;
            count += 1;
        }
        Ok(count)
    }
}

fn service(service: sdk::Service) -> Service {
    let task_set = |set: sdk::TaskSet| TaskSet {
        status: set.status.unwrap_or_default(),
        task_definition: set.task_definition.unwrap_or_default(),
    };
    Service { task_sets: service.task_sets.unwrap_or_default().into_iter().map(task_set).collect() }
}

fn task(task: sdk::Task) -> Task {
    Task {
        arn: task.task_arn.unwrap_or_default(),
        last_status: task.last_status.unwrap_or_default(),
        task_definition: task.task_definition_arn.unwrap_or_default(),
    }
}

fn stopped_task(task: sdk::Task) -> StoppedTask {
    let container = |container: sdk::Container| {
        let name = container.name.unwrap_or_default();
        match (container.reason, container.exit_code) {
            (Some(reason), _) => Some(format!("{name}: {reason}")),
            (None, Some(code)) => Some(format!("{name}: exit code {code}")),
            (None, None) => None,
        }
    };
    StoppedTask {
        arn: task.task_arn.unwrap_or_default(),
        reason: task.stopped_reason.unwrap_or_default(),
        containers: task.containers.unwrap_or_default().into_iter().filter_map(container).collect(),
    }
}
