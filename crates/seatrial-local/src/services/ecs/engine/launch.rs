//! What happens while a task is PENDING: role, secrets, image and log stream, then its processes.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::Mutex;

use super::executable::{Program, find, last_words};
use super::image::{self, Config, Image};
use super::logs::{self, LogStream};
use super::running::{PROCESSES, RunningContainer, RunningTask, RunningTasks};
use super::scheduler::scheduler;
use super::{host, secrets, spoiled};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::fault::FaultKind;
use crate::principal::Principal;
use crate::runtime::process::{Process, Processes, Spec};
use crate::services::ec2::CheckRoute;
use crate::services::ecr::GetAuthorizationToken;
use crate::services::ecs::definition::{ContainerDefinition, Content};
use crate::services::ecs::store::EcsStore;
use crate::services::ecs::task::{Host, TaskRow};
use crate::services::sts;

/// Fargate's default.
const STOP_TIMEOUT: u64 = 30;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A task whose containers run.
pub(super) struct Started {
    pub pulled_at: Epoch,
    /// Image digest and runtime id of each container, in the definition's order.
    pub containers: Vec<(String, String)>,
    /// Whose end the task must be told of.
    pub processes: Vec<Process>,
}

/// Why a task did not start.
pub(super) struct Failure {
    /// AWS's `stoppedReason`.
    pub reason: String,
    /// The container it is about.
    pub container: Option<usize>,
}

impl Failure {
    fn of_task(reason: String) -> Self {
        Self { reason, container: None }
    }

    fn initialization(what: &str) -> Self {
        Self::of_task(format!("ResourceInitializationError: {what}"))
    }
}

/// What all containers of a task have in common.
struct Launch<'a> {
    cloud: &'a Cloud,
    key: &'a str,
    row: &'a TaskRow,
    content: &'a Content,
    host: &'a Host,
    /// The execution role's session.
    principal: Principal,
}

/// A container that is ready to start.
struct Ready {
    image: Image,
    env: Vec<(String, String)>,
    logs: Option<LogStream>,
}

/// Starts the task's containers and keeps their processes.
pub(super) async fn launch(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Started, Failure> {
    let definition = cloud.part::<EcsStore>().definition(&row.task.task_definition_arn);
    let definition = definition.ok_or_else(|| Failure::of_task("The task definition is gone".to_owned()))?;
    let mut content = definition.definition.content;
    content.container_definitions.iter_mut().for_each(|container| row.task.overrides.apply(container));
    let content = &content;
    let host = row.host.as_ref().ok_or_else(|| Failure::initialization("the task has no address"))?;
    let principal = execution_role(cloud, content, row.task.id()).await?;
    check_route(cloud, row).await?;
    let launch = Launch { cloud, key, row, content, host, principal };
    let mut ready = Vec::new();
    for (index, container) in content.container_definitions.iter().enumerate() {
        ready.push(launch.prepare(index, container).await?);
    }
    let pulled_at = cloud.clock().now();
    let mut started = Started { pulled_at, containers: Vec::new(), processes: Vec::new() };
    let mut running = RunningTask { containers: Vec::new() };
    for ((index, container), ready) in content.container_definitions.iter().enumerate().zip(ready) {
        started.containers.push((ready.image.digest.clone(), runtime_id(row)));
        match launch.start(container, ready).await {
            Ok(container) => {
                started.processes.push(container.process.clone());
                running.containers.push(container);
            }
            Err(reason) => {
                running.stop().await;
                return Err(Failure { reason, container: Some(index) });
            }
        }
    }
    cloud.part::<RunningTasks>().keep(key, running);
    Ok(started)
}

fn runtime_id(row: &TaskRow) -> String {
    format!("{}-{}", row.task.id(), crate::id::digits_of(&crate::id::uuid(), 10))
}

/// A task reaches registry and secrets only if its subnet has a way there.
async fn check_route(cloud: &Cloud, row: &TaskRow) -> Result<(), Failure> {
    let network = row.network.as_ref().map(|network| &network.awsvpc_configuration);
    let Some((network, subnet)) = network.and_then(|network| Some((network, network.subnets.first()?)))
    else {
        return Ok(());
    };
    let input = CheckRoute {
        subnet_id: subnet.clone(),
        has_public_ip: network.assign_public_ip.as_deref() == Some("ENABLED"),
        security_groups: network.security_groups.clone(),
    };
    let asked = cloud.call(&scheduler(cloud), input).await;
    let verdict = asked.map_err(|error| Failure::initialization(&error.message))?;
    if verdict.allowed {
        return Ok(());
    }
    Err(Failure::initialization(&format!(
        "unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is \
         a connection issue between the task and Amazon ECR. Check your task network configuration: {}",
        verdict.reason
    )))
}

/// Who pulls, reads secrets and writes logs.
async fn execution_role(cloud: &Cloud, content: &Content, task_id: &str) -> Result<Principal, Failure> {
    const AGENT: &str = "ecs-tasks.amazonaws.com";
    let Some(role) = content.execution_role_arn.as_deref() else {
        return Ok(Principal::service(AGENT, cloud.account()));
    };
    match sts::assume_role(cloud, AGENT, role, task_id).await {
        Ok(session) => Ok(session.principal),
        Err(_) => Err(Failure::of_task(format!(
            "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that \
             the role being passed has the proper trust relationship and permissions and that your IAM user \
             has permissions to pass this role."
        ))),
    }
}

impl Launch<'_> {
    /// Fetches everything a container needs.
    async fn prepare(&self, index: usize, container: &ContainerDefinition) -> Result<Ready, Failure> {
        const UNABLE: &str = "unable to pull secrets or registry auth: execution resource retrieval failed: ";
        let token = self.cloud.call(&self.principal, GetAuthorizationToken {}).await;
        token.map_err(|error| {
            Failure::initialization(&format!(
                "{UNABLE}unable to retrieve ecr registry auth: service call has been retried 1 time(s): {}: {}",
                error.code, error.message
            ))
        })?;
        if self.row.spoiled == Some(FaultKind::DeniedSecret) {
            return Err(Failure::initialization(&format!("{UNABLE}{}", spoiled::denied_secret(self.cloud))));
        }
        let secrets = secrets::resolve(self.cloud, &self.principal, &container.secrets).await;
        let secrets = secrets.map_err(|error| Failure::initialization(&format!("{UNABLE}{error}")))?;
        let names = (container.name.as_str(), self.row.task.id());
        let log = container.log_configuration.as_ref();
        let logs = LogStream::create(self.cloud, &self.principal, log, names).await.map_err(|error| {
            Failure::initialization(&format!(
                "failed to validate logger args: create stream has been retried 1 times: failed to create \
                 Cloudwatch log stream: {}: {} : exit status 1",
                error.code, error.message
            ))
        })?;
        if self.row.spoiled == Some(FaultKind::MissingImage) {
            let reason = spoiled::missing_image(&container.image);
            return Err(Failure { reason, container: Some(index) });
        }
        let image = image::pull(self.cloud, &self.principal, &container.image, self.architecture()).await;
        let image = image.map_err(|error| Failure {
            reason: format!("CannotPullContainerError: {error}"),
            container: Some(index),
        })?;
        let env = self.environment(container, &image.config, secrets);
        let env = env.map_err(|error| Failure::initialization(&error.to_string()))?;
        Ok(Ready { image, env, logs })
    }

    /// The architecture in the words of image indexes.
    fn architecture(&self) -> &'static str {
        let platform = self.content.runtime_platform.as_ref();
        match platform.and_then(|platform| platform.cpu_architecture.as_deref()) {
            Some("ARM64") => "arm64",
            _ => "amd64",
        }
    }

    /// The image's variables, then what Fargate gives, the container's own, and secrets. `HOST` is the task's
    /// network interface and nobody's to change; `PORT` is the container port unless the container says
    /// otherwise, or has no address of its own.
    fn environment(
        &self,
        container: &ContainerDefinition,
        config: &Config,
        secrets: Vec<(String, String)>,
    ) -> std::io::Result<Vec<(String, String)>> {
        let mut env = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
        let port = container.port_mappings.first().map(|mapping| mapping.container_port);
        if let Some(port) = port {
            env.insert("PORT".to_owned(), port.to_string());
        }
        let of_image = config.env.iter().flatten().filter_map(|line| line.split_once('='));
        env.extend(of_image.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let given = [
            ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"),
            ("AWS_REGION", self.cloud.region()),
            ("AWS_DEFAULT_REGION", self.cloud.region()),
            ("AWS_ENDPOINT_URL", self.cloud.endpoint()),
            ("ECS_TASK_ARN", &self.row.task.task_arn),
            ("TASK_ID", self.row.task.id()),
            ("HOSTNAME", &format!("ip-{}.local", self.host.address.replace('.', "-"))),
        ];
        env.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
        env.extend(container.environment.iter().map(|given| (given.name.clone(), given.value.clone())));
        env.extend(secrets);
        env.insert("HOST".to_owned(), self.host.address.clone());
        if let Some(port) = self.host.port {
            env.insert("PORT".to_owned(), port.to_string());
        }
        // It listens where no health check reaches it.
        if self.row.spoiled == Some(FaultKind::Unhealthy) {
            env.insert("PORT".to_owned(), host::free_port(&self.host.address)?.to_string());
        }
        Ok(env.into_iter().collect())
    }

    /// Starts a container's process. The error is a `stoppedReason`.
    async fn start(&self, container: &ContainerDefinition, ready: Ready) -> Result<RunningContainer, String> {
        let config = &ready.image.config;
        let argv = arguments(container, config);
        let Some((command, args)) = argv.split_first() else {
            return Err("CannotStartContainerError: no command specified".to_owned());
        };
        let cannot = |why: &str| {
            format!(
                "CannotStartContainerError: ResourceInitializationError: failed to create new container \
                 runtime task: failed to create shim task: OCI runtime create failed: runc create failed: \
                 unable to start container process: exec: \"{command}\": {why}: unknown"
            )
        };
        let given = container.working_directory.as_deref().or(config.working_dir.as_deref()).unwrap_or("/");
        let dir = ready.image.root.join(given.trim_start_matches('/'));
        std::fs::create_dir_all(&dir).map_err(|error| cannot(&error.to_string()))?;
        let path = ready.env.iter().find(|(name, _)| name == "PATH").map_or(PATH, |(_, value)| value);
        let (program, args) = match find(&ready.image.root, (given, path), command) {
            Program::Runs(program) => (program, args.to_vec()),
            Program::NeverStarts(why) => return Err(cannot(&why)),
            Program::EndsAtOnce(why) => last_words(command, why),
        };
        let (program, args) = match self.row.spoiled {
            Some(FaultKind::Crash) => spoiled::crash(),
            Some(fault) => spoiled::delayed(fault, &program, &args).unwrap_or((program, args)),
            None => (program, args),
        };
        let (output, carrier) = logs::carry(self.cloud, self.principal.clone(), ready.logs);
        let spec = Spec {
            key: format!("{PROCESSES}{}/{}", self.key, container.name),
            program,
            args,
            env: ready.env,
            dir,
            user: None,
            on_parent_death: Signal::SIGKILL,
            output,
        };
        let process = self.cloud.part::<Processes>().spawn(spec).await;
        let process = process.map_err(|error| cannot(&error.to_string()))?;
        Ok(RunningContainer {
            process,
            is_essential: container.is_essential(),
            stop_timeout: Duration::from_secs(container.stop_timeout.unwrap_or(STOP_TIMEOUT)),
            logs: Mutex::new(carrier),
        })
    }
}

/// Another entrypoint than the image's also makes its command void.
fn arguments(container: &ContainerDefinition, config: &Config) -> Vec<String> {
    let given = |list: &Option<Vec<String>>| list.clone().filter(|list| !list.is_empty());
    match given(&container.entry_point) {
        Some(entrypoint) => [entrypoint, container.command.clone().unwrap_or_default()].concat(),
        None => {
            let command = given(&container.command).or_else(|| config.cmd.clone());
            [config.entrypoint.clone().unwrap_or_default(), command.unwrap_or_default()].concat()
        }
    }
}
