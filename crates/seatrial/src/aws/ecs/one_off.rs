//! ECS: a task that is run once beside a service, in its network; and what a service tells of itself.

use aws_sdk_ecs::types as sdk;
use jiff::Timestamp;

use super::{SERVICE, StoppedTask, stopped_task};
use crate::aws::Aws;
use crate::aws::error::{Attempt as _, AwsError};
use crate::aws::status::is_primary;
use crate::aws::time::timestamp;

/// What serves production, as far as another task is run like it.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// ARN of its revision.
    pub task_definition: String,
    /// The first container without which its tasks end: the application's.
    pub container: String,
    network: Option<sdk::NetworkConfiguration>,
    platform_version: Option<String>,
}

/// A task that was run once.
#[derive(Debug, Clone)]
pub(crate) struct OneOff {
    /// As AWS spells it.
    pub last_status: String,
    /// Once it is at its end.
    pub stopped: Option<StoppedTask>,
    /// Of the container that was asked for; `None` where it never ran.
    pub exit_code: Option<i32>,
}

/// What a service tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceEvent {
    pub id: String,
    pub time: Option<Timestamp>,
    pub text: String,
}

impl Aws {
    /// What serves production; `None` without a task set that does.
    pub(crate) async fn live_task(&self, cluster: &str, service: &str) -> Result<Option<Live>, AwsError> {
        let found = self.service(cluster, service).await?;
        let sets = found.and_then(|found| found.task_sets).unwrap_or_default();
        let Some(primary) = sets.into_iter().find(|set| is_primary(set.status().unwrap_or_default())) else {
            return Ok(None);
        };
        let task_definition = primary.task_definition.unwrap_or_default();
        let answer = self.ecs().describe_task_definition().task_definition(&task_definition).send().await;
        let answer = answer.attempt(SERVICE, || format!("describe task definition `{task_definition}`"))?;
        let containers =
            answer.task_definition.and_then(|found| found.container_definitions).unwrap_or_default();
        // ECS: `essential` is true where it is not said.
        let container = containers.into_iter().find(|container| container.essential != Some(false));
        Ok(container.and_then(|container| container.name).map(|container| Live {
            task_definition,
            container,
            network: primary.network_configuration,
            platform_version: primary.platform_version,
        }))
    }

    /// What the service told last, newest first: AWS keeps the last hundred.
    pub(crate) async fn service_events(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Vec<ServiceEvent>, AwsError> {
        let events = self.service(cluster, service).await?.and_then(|found| found.events).unwrap_or_default();
        let event = |event: sdk::ServiceEvent| ServiceEvent {
            id: event.id.unwrap_or_default(),
            time: timestamp(event.created_at),
            text: event.message.unwrap_or_default(),
        };
        Ok(events.into_iter().map(event).collect())
    }

    async fn service(&self, cluster: &str, service: &str) -> Result<Option<sdk::Service>, AwsError> {
        let answer = self.ecs().describe_services().cluster(cluster).services(service).send().await;
        let answer =
            answer.attempt(SERVICE, || format!("describe service `{service}` of cluster `{cluster}`"))?;
        Ok(answer.services.unwrap_or_default().into_iter().next())
    }

    /// Starts one task like those that are live, with another command of its container; answers its ARN.
    pub(crate) async fn run_task(
        &self,
        cluster: &str,
        live: &Live,
        command: &[String],
    ) -> Result<String, AwsError> {
        let container = sdk::ContainerOverride::builder().name(&live.container);
        let container = container.set_command(Some(command.to_vec())).build();
        let overrides = sdk::TaskOverride::builder().container_overrides(container).build();
        let request = self
            .ecs()
            .run_task()
            .cluster(cluster)
            .task_definition(&live.task_definition)
            // Without one ECS looks for instances of EC2.
            .launch_type(sdk::LaunchType::Fargate)
            .set_platform_version(live.platform_version.clone())
            .set_network_configuration(live.network.clone())
            .overrides(overrides)
            .started_by("seatrial-run");
        let attempt = || format!("run a task of `{}`", live.task_definition);
        let answer = request.send().await.attempt(SERVICE, attempt)?;
        let arn = answer.tasks.unwrap_or_default().into_iter().find_map(|task| task.task_arn);
        arn.ok_or_else(|| {
            // ECS answers with success and says why it did not start it.
            let failure = answer.failures.unwrap_or_default().into_iter().next();
            let reason = failure.and_then(|failure| failure.reason).unwrap_or_else(|| "no reason".to_owned());
            AwsError {
                reason: format!("no task was started: {reason}"),
                ..AwsError::missing(attempt(), SERVICE)
            }
        })
    }

    /// How a task that was run once stands; `None` where ECS knows it no more.
    pub(crate) async fn one_off(
        &self,
        cluster: &str,
        arn: &str,
        container: &str,
    ) -> Result<Option<OneOff>, AwsError> {
        let found = self.describe_tasks(cluster, vec![arn.to_owned()]).await?.into_iter().next();
        Ok(found.map(|task| {
            let containers = task.containers.iter().flatten();
            let exit_code = containers.filter(|found| found.name.as_deref() == Some(container));
            OneOff {
                exit_code: exit_code.filter_map(|found| found.exit_code).next(),
                last_status: task.last_status.clone().unwrap_or_default(),
                stopped: Some(stopped_task(task)).filter(|task| task.time.is_some()),
            }
        }))
    }

    /// Ends a task.
    pub(crate) async fn stop_task(&self, cluster: &str, arn: &str, reason: &str) -> Result<(), AwsError> {
        let request = self.ecs().stop_task().cluster(cluster).task(arn).reason(reason);
        request.send().await.attempt(SERVICE, || format!("stop task `{arn}`"))?;
        Ok(())
    }
}
