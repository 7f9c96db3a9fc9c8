//! A one-off task with the application's image: registered in a family of its own, run, and followed to its end.
//!
//! Changes in AWS: a revision of the family, and a task. Tasks of the family that a build has left which was ended are
//! stopped before: two of them at once are nothing that an application is made for.

mod log;

use std::path::Path;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_sdk_ecs::types::{AssignPublicIp, AwsVpcConfiguration, LaunchType, NetworkConfiguration, Task};
use seatrial_project::task_definition::{CONTAINER, TaskDefinition};
use serde::Deserialize;

use self::log::TaskLog;
use crate::error::{ImageError, chain};
use crate::registration::registration;
use crate::report::Report;

/// A call that fails in passing is made so often: a task must not be given up for a minute of throttling.
const ATTEMPTS: u32 = 10;
/// Looks for the last lines of a task that has ended: CloudWatch shows lines seconds after they were written.
const LAST_LOOKS: u32 = 5;
/// The longest `stopTimeout` of Fargate is 120 s; then SIGKILL ends the task.
const STOPPED: Duration = Duration::from_secs(180);

/// Who is called.
pub struct Clients {
    pub ecs: aws_sdk_ecs::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
}

impl Clients {
    /// As the process's environment and profiles say.
    pub async fn from_env() -> Self {
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let loader = aws_config::defaults(BehaviorVersion::latest()).retry_config(retries);
        let config = loader.load().await;
        Self { ecs: aws_sdk_ecs::Client::new(&config), logs: aws_sdk_cloudwatchlogs::Client::new(&config) }
    }
}

/// How a task reaches the world, as the service's tasks do.
#[derive(Debug, Clone)]
pub struct Network {
    /// At least one.
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    /// Without a NAT gateway, tasks reach the registry from public addresses only.
    pub public_address: bool,
}

/// How often is looked.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks at the task.
    pub every: Duration,
    /// Between two looks for its last lines.
    pub settle: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_secs(2), settle: Duration::from_secs(1) }
    }
}

/// What is to be run.
pub struct OneOff {
    /// What it does, in a word: `migrate`.
    pub what: &'static str,
    /// Rendered, of the family that it is to have.
    pub definition: TaskDefinition,
    pub cluster: String,
    pub network: Network,
    /// One token starts one task (ECS API, RunTask, `clientToken`): letters, digits and `-`, at most 64.
    pub token: Option<String>,
    /// It is stopped after this time.
    pub patience: Duration,
    pub pace: Pace,
}

/// The task definition of a build's artifact in the folder `artifacts`, with the image that was built, another command,
/// in the family `family`. Its log streams begin with `name`.
///
/// # Errors
/// `ImageError::Failed` where a file is missing or not as the build writes it.
pub fn definition(
    artifacts: &Path,
    (name, family): (&str, &str),
    command: Vec<String>,
) -> Result<TaskDefinition, ImageError> {
    let image = image_of(artifacts)?;
    let definition: TaskDefinition = read(&artifacts.join("taskdef.json"))?;
    let mut definition = TaskDefinition { family: family.to_owned(), ..definition.with_image(&image) };
    for container in definition.container_definitions.iter_mut().filter(|found| found.name == CONTAINER) {
        container.command = Some(command.clone());
        let options = container.log_configuration.iter_mut().filter_map(|log| log.options.as_mut());
        for options in options {
            options.insert(log::STREAM_PREFIX.to_owned(), name.to_owned());
        }
    }
    Ok(definition)
}

/// The image that a build's artifact in the folder `artifacts` names, with its digest.
///
/// # Errors
/// As [`definition`].
pub fn image_of(artifacts: &Path) -> Result<String, ImageError> {
    #[derive(Deserialize)]
    struct ImageDetail {
        #[serde(rename = "ImageURI")]
        image_uri: String,
    }
    Ok(read::<ImageDetail>(&artifacts.join("imageDetail.json"))?.image_uri)
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ImageError> {
    let failed = || format!("read `{}`", path.display());
    let text = std::fs::read(path).map_err(|error| ImageError::failed(failed(), error))?;
    serde_json::from_slice(&text).map_err(|error| ImageError::failed(failed(), error))
}

impl OneOff {
    /// Runs it to its end; its output is reported line by line behind `| `. When `interrupted` ends before, or the time
    /// is up, the task is stopped.
    ///
    /// # Errors
    /// `ImageError::Failed` unless the application's container ended with exit code 0.
    pub async fn run(
        self,
        clients: &Clients,
        report: Report<'_>,
        interrupted: impl Future<Output = ()>,
    ) -> Result<(), ImageError> {
        let log = TaskLog::of(&self.definition);
        let tasks = Tasks { clients, cluster: self.cluster, report };
        tokio::pin!(interrupted);
        tasks.end_leftovers(&self.definition.family, self.pace.every).await?;
        // What RunTask answers is the only way to the task: once it was asked, it is waited for.
        let task = tasks.begin(self.definition, &self.network, self.token).await?;
        let mut following = Following { tasks: &tasks, what: self.what, task, log, status: String::new() };
        let minutes = self.patience.as_secs().div_ceil(60);
        let ended = tokio::select! {
            biased;
            () = &mut interrupted => Err("the build was ended".to_owned()),
            () = tokio::time::sleep(self.patience) => Err(format!("it ran for more than {minutes} minutes")),
            ended = following.until_stopped(self.pace.every) => ended.map_err(|error| chain(&error)),
        };
        match ended {
            Ok(task) => following.verdict(&task, self.pace.settle).await,
            Err(why) => {
                let id = id(&following.task).to_owned();
                report(&format!("stopping task {id}: {why}"));
                tasks.stop(&following.task, &why).await?;
                following.log.tell(&clients.logs, &id, report).await;
                Err(ImageError::failed(format!("{}: task {id} was stopped", following.what), why))
            }
        }
    }
}

/// The last part of an ARN.
fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The tasks of one cluster.
struct Tasks<'a> {
    clients: &'a Clients,
    cluster: String,
    report: Report<'a>,
}

impl Tasks<'_> {
    async fn end_leftovers(&self, family: &str, every: Duration) -> Result<(), ImageError> {
        let listed = self.clients.ecs.list_tasks().cluster(&self.cluster).family(family).send().await;
        let listed = listed
            .map_err(|error| ImageError::of_call("list the tasks that an earlier build left", error))?;
        let tasks = listed.task_arns.unwrap_or_default();
        for task in &tasks {
            (self.report)(&format!("stopping task {}: the build that ran it was ended", id(task)));
            self.stop(task, "The build that ran it was ended").await?;
        }
        let stopped = async {
            for task in &tasks {
                while self.describe(task).await?.is_some_and(|task| !is_stopped(&task)) {
                    tokio::time::sleep(every).await;
                }
            }
            Ok(())
        };
        let late =
            |_| Err(ImageError::failed("end the tasks that an earlier build left", "they do not stop"));
        tokio::time::timeout(STOPPED, stopped).await.unwrap_or_else(late)
    }

    /// Registers and runs it; answers the task's ARN.
    async fn begin(
        &self,
        definition: TaskDefinition,
        network: &Network,
        token: Option<String>,
    ) -> Result<String, ImageError> {
        let ecs = &self.clients.ecs;
        let registered = registration(definition)?.send_with(ecs).await;
        let registered =
            registered.map_err(|error| ImageError::of_call("register the task definition", error))?;
        let revision =
            registered.task_definition.and_then(|found| found.task_definition_arn).unwrap_or_default();
        let address = if network.public_address { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
        let vpc = AwsVpcConfiguration::builder()
            .set_subnets(Some(network.subnets.clone()))
            .set_security_groups(Some(network.security_groups.clone()))
            .assign_public_ip(address)
            .build()
            .map_err(|error| ImageError::failed("run the task", error))?;
        let ran = ecs
            .run_task()
            .cluster(&self.cluster)
            .task_definition(&revision)
            .launch_type(LaunchType::Fargate)
            .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
            .set_client_token(token)
            .send()
            .await
            .map_err(|error| ImageError::of_call("run the task", error))?;
        let task = ran.tasks.unwrap_or_default().into_iter().find_map(|task| task.task_arn);
        let Some(task) = task else {
            let why: Vec<String> = ran
                .failures
                .unwrap_or_default()
                .into_iter()
                .map(|failure| {
                    [failure.reason, failure.detail].into_iter().flatten().collect::<Vec<_>>().join(": ")
                })
                .collect();
            return Err(ImageError::failed("run the task", why.join("; ")));
        };
        (self.report)(&format!("task {} of {}", id(&task), id(&revision)));
        Ok(task)
    }

    /// `None`: AWS does not show it yet.
    async fn describe(&self, task: &str) -> Result<Option<Task>, ImageError> {
        let answer = self.clients.ecs.describe_tasks().cluster(&self.cluster).tasks(task).send().await;
        let answer = answer.map_err(|error| ImageError::of_call("look at the task", error))?;
        Ok(answer.tasks.unwrap_or_default().into_iter().next())
    }

    async fn stop(&self, task: &str, why: &str) -> Result<(), ImageError> {
        let stopped = self.clients.ecs.stop_task().cluster(&self.cluster).task(task).reason(why).send().await;
        stopped.map_err(|error| ImageError::of_call("stop the task", error))?;
        Ok(())
    }
}

fn is_stopped(task: &Task) -> bool {
    task.last_status() == Some("STOPPED")
}

/// A task that runs, and what was told of it.
struct Following<'a> {
    tasks: &'a Tasks<'a>,
    what: &'static str,
    task: String,
    log: TaskLog,
    status: String,
}

impl Following<'_> {
    async fn until_stopped(&mut self, every: Duration) -> Result<Task, ImageError> {
        loop {
            let task = self.tasks.describe(&self.task).await?;
            self.log.tell(&self.tasks.clients.logs, id(&self.task), self.tasks.report).await;
            if let Some(task) = task {
                let status = task.last_status().unwrap_or_default();
                if status != self.status {
                    (self.tasks.report)(&format!("task {}: {status}", id(&self.task)));
                    status.clone_into(&mut self.status);
                }
                if is_stopped(&task) {
                    return Ok(task);
                }
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Tells the last lines, and how it ended.
    async fn verdict(&mut self, task: &Task, settle: Duration) -> Result<(), ImageError> {
        let (tasks, what, id) = (self.tasks, self.what, id(&self.task));
        let container = task.containers().iter().find(|container| container.name() == Some(CONTAINER));
        let code = container.and_then(|container| container.exit_code());
        let mut quiet = !self.log.tell(&tasks.clients.logs, id, tasks.report).await;
        for _ in 1..LAST_LOOKS {
            if code == Some(0) || quiet && self.log.has_told() {
                break;
            }
            tokio::time::sleep(settle).await;
            quiet = !self.log.tell(&tasks.clients.logs, id, tasks.report).await;
        }
        let reasons = [container.and_then(|container| container.reason()), task.stopped_reason()];
        let why = reasons.into_iter().flatten().collect::<Vec<_>>().join(": ");
        match code {
            Some(0) => Ok(()),
            Some(code) => {
                Err(ImageError::failed(format!("{what}: task {id} ended with exit code {code}"), why))
            }
            None => Err(ImageError::failed(format!("{what}: task {id} did not run"), why)),
        }
    }
}

#[cfg(test)]
mod tests;
