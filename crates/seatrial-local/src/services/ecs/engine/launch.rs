//! What happens while a task is PENDING: role, secrets, image and log stream, then its processes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::executable::{Found, find};
use super::failure::Failure;
use super::image::{self, Config, Image, Puller};
use super::logs::{self, LogStream};
use super::plain::{self, Rest};
use super::rights::{check_route, execution_role, task_role};
use super::running::{PROCESSES, RunningContainer, RunningTask, RunningTasks};
use super::ways::{self, Ways};
use super::{contained, dependencies, host, secrets, spoiled};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::fault::FaultKind;
use crate::principal::Principal;
use crate::runtime::interfaces::Interfaces;
use crate::runtime::process::{Process, Processes};
use crate::runtime::sandbox::{Ids, Sandbox, Sandboxes, Task, Unusable};
use crate::services::ecr::GetAuthorizationToken;
use crate::services::ecs::definition::{ContainerDefinition, Content};
use crate::services::ecs::store::EcsStore;
use crate::services::ecs::task::{Host, TaskRow};
use crate::services::sts::RoleSession;

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

/// What all containers of a task have in common.
struct Launch<'a> {
    cloud: &'a Cloud,
    key: &'a str,
    row: &'a TaskRow,
    content: &'a Content,
    host: &'a Host,
    /// The execution role's session.
    principal: Principal,
    /// The task's own role's.
    role: Option<RoleSession>,
    /// Of the task's sandbox; the error is why it has none.
    ids: Result<Ids, Unusable>,
}

/// A container that is ready to start.
struct Ready {
    image: Image,
    env: Vec<(String, String)>,
    logs: Option<LogStream>,
}

/// Starts the task's containers, each when what it depends on has come so far, and keeps their processes.
pub(super) async fn launch(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Started, Failure> {
    let definition = cloud.part::<EcsStore>().definition(&row.task.task_definition_arn);
    let definition = definition.ok_or_else(|| Failure::of_task("The task definition is gone".to_owned()))?;
    let mut content = definition.definition.content;
    content.container_definitions.iter_mut().for_each(|container| row.task.overrides.apply(container));
    let content = &content;
    let host = row.host.as_ref().ok_or_else(|| Failure::initialization("the task has no address"))?;
    let principal = execution_role(cloud, content, row.task.id()).await?;
    let role = task_role(cloud, content, row.task.id()).await?;
    check_route(cloud, row).await?;
    let ids = cloud.part::<Sandboxes>().usable(cloud).await;
    let mut launch = Launch { cloud, key, row, content, host, principal, role, ids };
    let mut ready = Vec::new();
    for (index, container) in content.container_definitions.iter().enumerate() {
        ready.push(launch.prepare(index, container).await?);
    }
    let pulled_at = cloud.clock().now();
    let mut started = Started { pulled_at, containers: Vec::new(), processes: Vec::new() };
    let sandbox = launch.sandbox().await.map_err(|error| Failure::initialization(&error))?;
    let mut running = RunningTask { containers: Vec::new(), sandbox, role: launch.role.take() };
    started.containers = ready.iter().map(|ready| (ready.image.digest.clone(), runtime_id(row))).collect();
    let mut ready: Vec<_> = ready.into_iter().map(Some).collect();
    for index in dependencies::order(&content.container_definitions) {
        let (Some(container), Some(ready)) =
            (content.container_definitions.get(index), ready.get_mut(index).and_then(Option::take))
        else {
            continue;
        };
        let sandbox = running.sandbox.as_ref().map(|(sandbox, _)| sandbox);
        let begun = match dependencies::met(cloud, key, container, (content, &running)).await {
            Ok(()) => launch.start(index, ready, sandbox).await,
            Err(reason) => Err(reason),
        };
        match begun {
            Ok(container) => {
                started.processes.push(container.process.clone());
                running.containers.push(container);
            }
            Err(reason) => {
                running.stop(Duration::MAX).await;
                drop(running);
                cloud.part::<Sandboxes>().clear(cloud, row.task.id()).await;
                return Err(Failure { reason, container: Some(index) });
            }
        }
    }
    running.containers.sort_by_key(|container| container.index);
    cloud.part::<RunningTasks>().keep(key, running);
    Ok(started)
}

fn runtime_id(row: &TaskRow) -> String {
    format!("{}-{}", row.task.id(), crate::id::digits_of(&crate::id::uuid(), 10))
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
        let puller = Puller { cloud: self.cloud, principal: &self.principal, ids: self.ids.clone().ok() };
        let image = image::pull(puller, &container.image, self.architecture()).await;
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

    /// The image's variables, then what Fargate gives, the container's own, and secrets. `PORT` is the container port
    /// unless the container says otherwise, or has no address of its own. A plain process has in `HOST` its task's
    /// address, which is nobody's to change: it must listen on no other.
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
            ("HOSTNAME", &self.hostname()),
        ];
        env.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
        env.extend(container.environment.iter().map(|given| (given.name.clone(), given.value.clone())));
        env.extend(secrets);
        match (&self.role, &self.ids) {
            (Some(role), Ok(_)) => env.extend([role.relative()]),
            (Some(role), Err(_)) => env.extend(role.full(self.cloud)),
            (None, _) => {}
        }
        if self.ids.is_err() {
            env.insert("HOST".to_owned(), self.host.address.clone());
        }
        if let Some(port) = self.host.port {
            env.insert("PORT".to_owned(), port.to_string());
        }
        // It listens where no health check reaches it; one in namespaces need not be asked to.
        if self.row.spoiled == Some(FaultKind::Unhealthy) && self.ids.is_err() {
            env.insert("PORT".to_owned(), host::free_port(&self.host.address)?.to_string());
        }
        Ok(env.into_iter().collect())
    }

    fn hostname(&self) -> String {
        format!("ip-{}.local", self.host.address.replace('.', "-"))
    }

    /// Refuses a program that would find this machine's files in the place of its image's.
    fn can_be_plain(&self, found: &Found) -> Result<(), String> {
        match (found, &self.ids) {
            // Elsewhere no image's program runs.
            (Found::Runs { is_static: false, .. }, Err(unusable)) if cfg!(target_os = "linux") => {
                Err(format!(
                    "CannotStartContainerError: the local cloud has no namespaces to run this image in, only programs that \
                 are linked statically: {unusable}"
                ))
            }
            _ => Ok(()),
        }
    }

    /// The task's namespaces, where there are any, with its ways out.
    async fn sandbox(&self) -> Result<Option<(Arc<Sandbox>, Ways)>, String> {
        let Ok(ids) = self.ids.clone() else { return Ok(None) };
        let no_sandbox = |error: &dyn std::fmt::Display| format!("the task has no namespaces: {error}");
        let address: Ipv4Addr = self.host.address.parse().map_err(|error| no_sandbox(&error))?;
        let volumes = self.content.volumes.iter();
        let task = Task {
            id: self.row.task.id(),
            key: format!("{PROCESSES}{}", self.key),
            address,
            hostname: self.hostname(),
            volumes: volumes.filter_map(|volume| volume["name"].as_str()).map(str::to_owned).collect(),
        };
        let opened = self.cloud.part::<Sandboxes>().open(self.cloud, ids, &task).await;
        let sandbox = opened.map_err(|error| no_sandbox(&error))?;
        let ways = ways::open(self.cloud, self.row, (&sandbox, self.role.as_ref())).await?;
        let answers = self.row.spoiled != Some(FaultKind::Unhealthy);
        self.cloud.part::<Interfaces>().attach(address.into(), &sandbox, answers);
        Ok(Some((sandbox, ways)))
    }

    /// Starts a container. The error is a `stoppedReason`.
    async fn start(
        &self,
        index: usize,
        ready: Ready,
        sandbox: Option<&Arc<Sandbox>>,
    ) -> Result<RunningContainer, String> {
        let container = self.content.container_definitions.get(index);
        let container = container.ok_or("CannotStartContainerError: the container is not defined")?;
        let argv = arguments(container, &ready.image.config);
        let Some((command, args)) = argv.split_first() else {
            return Err("CannotStartContainerError: no command specified".to_owned());
        };
        let cannot = |why: &str| {
            format!(
                "CannotStartContainerError: ResourceInitializationError: failed to create new container \
                 runtime task: failed to create shim task: OCI runtime create failed: runc create failed: \
                 unable to start container process: {why}: unknown"
            )
        };
        let cannot_run = |why: &str| cannot(&format!("exec: \"{command}\": {why}"));
        let Ready { image, env, logs } = ready;
        let dir = contained::dir(container, &image.config);
        let path = env.iter().find(|(name, _)| name == "PATH").map_or(PATH, |(_, value)| value);
        let stop_signal = contained::stop_signal(&image.config);
        let found = find(&image.root, (dir, path), command).map_err(|why| cannot_run(&why))?;
        let (output, carrier) = logs::carry(self.cloud, self.principal.clone(), logs);
        let process = match sandbox {
            Some(sandbox) => {
                let program = contained::program(command, args, &found);
                let program = match self.row.spoiled {
                    Some(fault) => spoiled::contained(fault, program),
                    None => program,
                };
                let container = contained::container(container, &image, (dir, env), program);
                let container = container.map_err(|why| cannot(&why))?;
                sandbox.start(container, output).await.map_err(|error| cannot(&error.to_string()))?
            }
            None => {
                self.can_be_plain(&found)?;
                let key = format!("{PROCESSES}{}/{}", self.key, container.name);
                let dir = image.root.join(dir.trim_start_matches('/'));
                let spec =
                    plain::spec((command, args), &found, self.row.spoiled, Rest { key, env, dir, output });
                std::fs::create_dir_all(&spec.dir).map_err(|error| cannot_run(&error.to_string()))?;
                let started = self.cloud.part::<Processes>().spawn(spec).await;
                started.map_err(|error| cannot_run(&error.to_string()))?
            }
        };
        Ok(RunningContainer {
            index,
            process,
            stop_signal,
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
