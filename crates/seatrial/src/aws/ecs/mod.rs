//! ECS: services, task sets and tasks, as far as they are shown and waited for.

mod one_off;
mod task_definition;

pub(crate) use one_off::{Live, OneOff, ServiceEvent};
pub(crate) use task_definition::Revision;

use aws_sdk_ecs::types as sdk;
use aws_sdk_ecs::types::{DesiredStatus, TaskDefinitionStatus, TaskField};

use jiff::Timestamp;

use super::Aws;
use super::error::{Attempt as _, AwsError};
use super::logs::LogLine;
use super::status::{is_primary, service_is_there};
use super::time::timestamp;

const SERVICE: &str = "ECS";
/// DescribeTasks takes so many at once.
const TASKS_AT_ONCE: usize = 100;

/// A task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub arn: String,
    /// Which task set wanted it, as `ecs-svc/ID`, or who started it by hand.
    pub started_by: String,
    pub last_status: String,
    pub task_definition: String,
}

/// The task set that serves production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrimaryTaskSet {
    /// ARN of its revision.
    pub task_definition: String,
    /// ARNs of the target groups that it is behind.
    pub target_groups: Vec<String>,
}

/// A task that ended, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoppedTask {
    pub arn: String,
    /// Which task set wanted it, as `ecs-svc/ID`, or who started it by hand.
    pub started_by: String,
    /// As AWS spells it: `TaskFailedToStart`, `EssentialContainerExited`, ...
    pub code: String,
    pub task_definition: String,
    /// `None` while it is still stopping: then its containers have no exit code yet.
    pub time: Option<Timestamp>,
    pub reason: String,
    /// `container: reason or exit code`.
    pub containers: Vec<String>,
}

impl Aws {
    /// The task set that serves production; `None` without one, and without a service.
    pub(crate) async fn primary_task_set(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Option<PrimaryTaskSet>, AwsError> {
        let answer = self.ecs().describe_services().cluster(cluster).services(service).send().await;
        let attempt = || format!("describe service `{service}` of cluster `{cluster}`");
        let services = match answer.attempt(SERVICE, attempt) {
            Err(error) if error.is("ClusterNotFoundException") => return Ok(None),
            answer => answer?.services.unwrap_or_default(),
        };
        let there = services.into_iter().find(|found| service_is_there(found.status().unwrap_or_default()));
        let mut sets = there.and_then(|found| found.task_sets).unwrap_or_default().into_iter();
        let primary = sets.find(|set| is_primary(set.status().unwrap_or_default()));
        Ok(primary.map(|set| PrimaryTaskSet {
            task_definition: set.task_definition.unwrap_or_default(),
            target_groups: set
                .load_balancers
                .unwrap_or_default()
                .into_iter()
                .filter_map(|balancer| balancer.target_group_arn)
                .collect(),
        }))
    }

    /// The target groups that a service's tasks are registered with, by their ARNs.
    pub(crate) async fn target_groups(&self, cluster: &str, service: &str) -> Result<Vec<String>, AwsError> {
        let answer = self.ecs().describe_services().cluster(cluster).services(service).send().await;
        let answer =
            answer.attempt(SERVICE, || format!("describe service `{service}` of cluster `{cluster}`"))?;
        let balancers = answer
            .services
            .unwrap_or_default()
            .into_iter()
            .flat_map(|s| s.load_balancers.unwrap_or_default());
        Ok(balancers.filter_map(|balancer| balancer.target_group_arn).collect())
    }

    /// The running and starting tasks of a service.
    pub(crate) async fn tasks(&self, cluster: &str, service: &str) -> Result<Vec<Task>, AwsError> {
        let arns = self.list_tasks((cluster, service), DesiredStatus::Running).await?;
        Ok(self.describe_tasks(cluster, arns).await?.into_iter().map(task).collect())
    }

    /// The ARNs of the tasks of a service that ended a short while ago: ECS forgets them after an hour.
    pub(crate) async fn list_stopped_tasks(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Vec<String>, AwsError> {
        self.list_tasks((cluster, service), DesiredStatus::Stopped).await
    }

    /// Why tasks ended.
    pub(crate) async fn stopped_tasks(
        &self,
        cluster: &str,
        arns: Vec<String>,
    ) -> Result<Vec<StoppedTask>, AwsError> {
        Ok(self.describe_tasks(cluster, arns).await?.into_iter().map(stopped_task).collect())
    }

    async fn list_tasks(
        &self,
        (cluster, service): (&str, &str),
        desired: DesiredStatus,
    ) -> Result<Vec<String>, AwsError> {
        let request = self.ecs().list_tasks().cluster(cluster).service_name(service).desired_status(desired);
        let mut pages = request.into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            match page.attempt(SERVICE, || format!("list the tasks of service `{service}`")) {
                Ok(page) => arns.extend(page.task_arns.unwrap_or_default()),
                Err(error)
                    if error.is("ClusterNotFoundException") || error.is("ServiceNotFoundException") =>
                {
                    return Ok(Vec::new());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(arns)
    }

    async fn describe_tasks(&self, cluster: &str, arns: Vec<String>) -> Result<Vec<sdk::Task>, AwsError> {
        let mut tasks = Vec::new();
        for arns in arns.chunks(TASKS_AT_ONCE) {
            let request = self.ecs().describe_tasks().cluster(cluster).set_tasks(Some(arns.to_vec()));
            let answer = request.include(TaskField::Tags).send().await;
            let answer = answer.attempt(SERVICE, || format!("describe the tasks of cluster `{cluster}`"))?;
            tasks.extend(answer.tasks.unwrap_or_default());
        }
        Ok(tasks)
    }

    /// The ARNs of a family's active revisions, newest first. AWS takes the name for a prefix.
    pub(crate) async fn active_revisions(&self, family: &str) -> Result<Vec<String>, AwsError> {
        let request = self
            .ecs()
            .list_task_definitions()
            .family_prefix(family)
            .status(TaskDefinitionStatus::Active)
            .sort(sdk::SortOrder::Desc);
        let mut pages = request.into_paginator().send();
        let mut revisions = Vec::new();
        let exactly = |arn: &String| {
            let revision = arn.rsplit('/').next().and_then(|tail| tail.rsplit_once(':'));
            revision.is_some_and(|(name, _)| name == family)
        };
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || format!("list the task definitions of family `{family}`"))?;
            revisions.extend(page.task_definition_arns.unwrap_or_default().into_iter().filter(exactly));
        }
        Ok(revisions)
    }

    /// The ARN of the family's newest active revision; `None` if it has none.
    pub(crate) async fn active_task_definition(&self, family: &str) -> Result<Option<String>, AwsError> {
        Ok(self.active_revisions(family).await?.into_iter().next())
    }

    /// The images of a task definition's containers.
    pub(crate) async fn task_definition_images(&self, arn: &str) -> Result<Vec<String>, AwsError> {
        let answer = self.ecs().describe_task_definition().task_definition(arn).send().await;
        let answer = answer.attempt(SERVICE, || format!("describe task definition `{arn}`"))?;
        let definition = answer.task_definition.and_then(|definition| definition.container_definitions);
        Ok(definition.unwrap_or_default().into_iter().filter_map(|container| container.image).collect())
    }

    /// Log group and log stream of each container of a task that writes to CloudWatch Logs.
    pub(crate) async fn log_streams(
        &self,
        definition: &str,
        task: &str,
    ) -> Result<Vec<(String, String)>, AwsError> {
        let answer = self.ecs().describe_task_definition().task_definition(definition).send().await;
        let answer = answer.attempt(SERVICE, || format!("describe task definition `{definition}`"))?;
        let id = task.rsplit('/').next().unwrap_or(task);
        let containers =
            answer.task_definition.and_then(|found| found.container_definitions).unwrap_or_default();
        let stream = |container: sdk::ContainerDefinition| {
            let mut options = container.log_configuration?.options?;
            let (group, prefix) =
                (options.remove("awslogs-group")?, options.remove("awslogs-stream-prefix")?);
            Some((group, format!("{prefix}/{}/{id}", container.name?)))
        };
        Ok(containers.into_iter().filter_map(stream).collect())
    }

    /// The last lines that each container of a task wrote, given the ARNs of its revision and of itself.
    pub(crate) async fn last_words(
        &self,
        (definition, task): (&str, &str),
        lines: i32,
    ) -> Result<Vec<LogLine>, AwsError> {
        let mut log = Vec::new();
        for (group, stream) in self.log_streams(definition, task).await? {
            log.extend(self.last_log_lines((&group, &stream), lines).await?);
        }
        Ok(log)
    }

    pub(crate) async fn deregister_task_definition(&self, arn: &str) -> Result<(), AwsError> {
        let answer = self.ecs().deregister_task_definition().task_definition(arn).send().await;
        answer.attempt(SERVICE, || format!("deregister task definition `{arn}`"))?;
        Ok(())
    }
}

fn task(task: sdk::Task) -> Task {
    Task {
        arn: task.task_arn.unwrap_or_default(),
        started_by: task.started_by.unwrap_or_default(),
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
        time: timestamp(task.stopped_at),
        arn: task.task_arn.unwrap_or_default(),
        started_by: task.started_by.unwrap_or_default(),
        code: task.stop_code.map(|code| code.as_str().to_owned()).unwrap_or_default(),
        task_definition: task.task_definition_arn.unwrap_or_default(),
        reason: task.stopped_reason.unwrap_or_default(),
        containers: task.containers.unwrap_or_default().into_iter().filter_map(container).collect(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::ContainerDefinition;
    use serde_json::json;

    use crate::aws::tests::{InProcess, stub};

    #[tokio::test]
    async fn all_of_250_stopped_tasks_are_described_a_hundred_at_a_time() {
        let arn = |number: usize| format!("arn:task/{number}");
        let (aws, calls) = stub(move |operation, _, input| match operation {
            "ListTasks" => {
                let from: usize = input["nextToken"].as_str().map_or(0, |token| token.parse().unwrap());
                let until = (from + 100).min(250);
                let arns: Vec<String> = (from..until).map(arn).collect();
                json!({ "taskArns": arns, "nextToken": (until < 250).then(|| until.to_string()) })
            }
            // AWS refuses more than a hundred.
            _ => {
                let arns = input["tasks"].as_array().filter(|arns| arns.len() <= 100);
                let task = |arn| json!({ "taskArn": arn, "stoppedReason": "Essential container exited" });
                json!({ "tasks": arns.into_iter().flatten().map(task).collect::<Vec<_>>() })
            }
        })
        .await;

        let arns = aws.list_stopped_tasks("cluster", "service").await.unwrap();
        let stopped = aws.stopped_tasks("cluster", arns).await.unwrap();

        let expected: Vec<String> = (0..250).map(arn).collect();
        assert_eq!(stopped.into_iter().map(|task| task.arn).collect::<Vec<_>>(), expected);
        assert_eq!(calls.made().iter().filter(|call| *call == "DescribeTasks").count(), 3);
    }

    #[tokio::test]
    async fn all_of_120_task_definitions_of_a_family_are_listed_and_none_of_another() {
        let local = InProcess::start().await;
        let register = async |family: &str| {
            let container = ContainerDefinition::builder().name("app").image("image").memory(128).build();
            let request = local.aws.ecs().register_task_definition().family(family);
            request.container_definitions(container).send().await.unwrap();
        };
        for _ in 0..120 {
            register("web").await;
        }
        register("web-too").await;

        let revisions = local.aws.active_revisions("web").await.unwrap();

        assert_eq!(revisions.len(), 120);
        assert!(revisions.iter().all(|arn| arn.contains(":task-definition/web:")), "{revisions:?}");
    }
}
