//! One task, from its start to its end:
//!
//! ```text
//! PROVISIONING  an address is found
//! PENDING       image, secrets and log stream are fetched, containers are started
//! ACTIVATING    targets are registered
//! RUNNING       until an essential container exits or a stop is asked for
//! DEACTIVATING  targets are deregistered and drained: no request is lost
//! STOPPING      SIGTERM, the stop time-out, SIGKILL
//! DEPROVISIONING, STOPPED
//! ```

use std::time::Duration;

use super::{host, launch, running::RunningTasks, scheduler, targets};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::error::ServiceError;
use crate::runtime::process::Process;
use crate::runtime::sandbox::Sandboxes;
use crate::services::ecs::store::EcsStore;
use crate::services::ecs::task::{Task, TaskRow};

/// AWS shows stopped tasks for an hour.
const STOPPED_KEPT: Duration = Duration::from_secs(3600);
/// How soon a failing call is made again.
const RETRY: Duration = Duration::from_millis(500);
const DRAIN_POLL: Duration = Duration::from_millis(50);

pub(in crate::services::ecs) struct TaskEngine;

impl Engine for TaskEngine {
    const NAME: &'static str = "ecs-task";
    const ENDS: bool = false;

    fn in_flight(cloud: &Cloud) -> Vec<String> {
        let rows = cloud.part::<EcsStore>().tasks.entries();
        rows.into_iter().filter(|(_, row)| row.task.last_status != "STOPPED").map(|(key, _)| key).collect()
    }

    async fn step(cloud: &Cloud, key: &str) -> Next {
        let Some(row) = cloud.part::<EcsStore>().tasks.get(key) else { return Next::Done };
        let stepped = match row.task.last_status.as_str() {
            "PROVISIONING" => provision(cloud, key, &row).await,
            "PENDING" => start(cloud, key, &row).await,
            "ACTIVATING" => activate(cloud, key, &row).await,
            "RUNNING" => watch(cloud, key, &row),
            "DEACTIVATING" => deactivate(cloud, key, &row).await,
            "STOPPING" => stop(cloud, key, &row).await,
            "DEPROVISIONING" => deprovision(cloud, key, &row),
            _ => return Next::Done,
        };
        stepped.unwrap_or_else(|error| {
            tracing::warn!(key, %error, "a step of a task failed");
            Next::After(RETRY)
        })
    }

    /// It stops; one that was stopping is gone.
    fn fail(cloud: &Cloud, key: &str, why: &str) -> Next {
        let (now, reason) = (cloud.clock().now(), format!("Internal error: {why}"));
        let Some(row) = cloud.part::<EcsStore>().tasks.get(key) else { return Next::Done };
        let status = match row.task.desired_status.as_str() {
            "RUNNING" if row.task.last_status == "RUNNING" => "DEACTIVATING",
            "RUNNING" => "STOPPING",
            _ => "STOPPED",
        };
        let entered = enter(cloud, key, status, |row| {
            want_stopped(&mut row.task, now, "TaskFailedToStart", &reason);
            if status == "STOPPED" {
                row.task.stopped_at.get_or_insert(now);
            }
        });
        entered.unwrap_or(Next::After(RETRY))
    }
}

/// Wants a task stopped. One that is being stopped already keeps its first reason.
pub(in crate::services::ecs) fn ask_to_stop(
    cloud: &Cloud,
    key: &str,
    code: &str,
    reason: &str,
) -> Result<(), ServiceError> {
    let now = cloud.clock().now();
    cloud.part::<EcsStore>().tasks.update(key, |row| want_stopped(&mut row.task, now, code, reason))?;
    cloud.start::<TaskEngine>(key);
    Ok(())
}

fn want_stopped(task: &mut Task, now: Epoch, code: &str, reason: &str) {
    if task.desired_status == "RUNNING" {
        task.desired_status = "STOPPED".to_owned();
        task.stopping_at = Some(now);
        task.stop_code = Some(code.to_owned());
        task.stopped_reason = Some(reason.to_owned());
    }
}

/// Moves the task to its next status, and wakes its service, whose counts it changes.
fn enter(
    cloud: &Cloud,
    key: &str,
    status: &str,
    change: impl FnOnce(&mut TaskRow),
) -> Result<Next, ServiceError> {
    let task_set = cloud.part::<EcsStore>().tasks.update(key, |row| {
        row.task.last_status = status.to_owned();
        row.task.version += 1;
        for container in &mut row.task.containers {
            container.last_status = match status {
                "RUNNING" | "DEACTIVATING" | "STOPPING" => "RUNNING",
                "DEPROVISIONING" | "STOPPED" => "STOPPED",
                _ => "PENDING",
            }
            .to_owned();
        }
        change(row);
        row.task_set.clone()
    })?;
    if let Some((service, _)) = task_set.flatten().as_deref().and_then(|key| key.split_once("/ecs-svc/")) {
        scheduler::wake(cloud, service);
    }
    Ok(Next::After(Duration::ZERO))
}

async fn provision(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Next, ServiceError> {
    if row.task.desired_status == "STOPPED" {
        return enter(cloud, key, "DEPROVISIONING", |_| {});
    }
    let store = cloud.part::<EcsStore>();
    let definition = store.definition(&row.task.task_definition_arn);
    let ports = definition.iter().flat_map(|row| &row.definition.content.container_definitions);
    let port =
        ports.flat_map(|container| &container.port_mappings).map(|mapping| mapping.container_port).next();
    let port = port.and_then(|port| u16::try_from(port).ok());
    let taken =
        store.tasks.values().into_iter().filter_map(|row| row.host.map(|host| host.address)).collect();
    // In namespaces of its own no task takes a port from anybody.
    let is_alone = cloud.part::<Sandboxes>().usable(cloud).await.is_ok();
    let host = match host::find(port.filter(|_| !is_alone), &taken) {
        Ok(host) => host,
        Err(error) => {
            let now = cloud.clock().now();
            let reason = format!("ResourceInitializationError: {error}");
            return enter(cloud, key, "DEPROVISIONING", |row| {
                want_stopped(&mut row.task, now, "TaskFailedToStart", &reason);
            });
        }
    };
    enter(cloud, key, "PENDING", |row| {
        host::attach(&mut row.task, row.network.as_ref(), &host.address);
        row.host = Some(host);
    })
}

async fn start(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Next, ServiceError> {
    if row.task.desired_status == "STOPPED" {
        return enter(cloud, key, "DEPROVISIONING", |_| {});
    }
    let now = cloud.clock().now();
    match launch::launch(cloud, key, row).await {
        Ok(started) => {
            for process in started.processes {
                wake_at_end(cloud, key, process);
            }
            enter(cloud, key, "ACTIVATING", |row| {
                row.task.pull_started_at = Some(now);
                row.task.pull_stopped_at = Some(started.pulled_at);
                for (container, (digest, runtime_id)) in
                    row.task.containers.iter_mut().zip(started.containers)
                {
                    container.image_digest = Some(digest);
                    container.runtime_id = Some(runtime_id);
                }
            })
        }
        Err(failure) => enter(cloud, key, "DEPROVISIONING", |row| {
            want_stopped(&mut row.task, now, "TaskFailedToStart", &failure.reason);
            row.task.pull_started_at = Some(now);
            if let Some(container) = failure.container.and_then(|index| row.task.containers.get_mut(index)) {
                container.reason = Some(failure.reason);
            }
        }),
    }
}

/// Has the task looked at when one of its processes ends.
fn wake_at_end(cloud: &Cloud, key: &str, process: Process) {
    let (cloud, key) = (cloud.clone(), key.to_owned());
    tokio::spawn(async move {
        process.wait().await;
        cloud.start::<TaskEngine>(&key);
    });
}

async fn activate(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Next, ServiceError> {
    let store = cloud.part::<EcsStore>();
    if row.task.desired_status == "RUNNING" && !row.load_balancers.is_empty() {
        // Noted first: a target that may have been registered must be taken off again.
        store.tasks.update(key, |row| row.registered = true)?;
        if let Err(error) = targets::register(cloud, row).await {
            let reason = format!("Unable to register targets: {}", error.message);
            ask_to_stop(cloud, key, "ServiceSchedulerInitiated", &reason)?;
        }
    }
    let now = cloud.clock().now();
    enter(cloud, key, "RUNNING", |row| row.task.started_at = Some(now))
}

fn watch(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Next, ServiceError> {
    let now = cloud.clock().now();
    let (code, reason) = match cloud.part::<RunningTasks>().find(key) {
        Some(running) if running.essential_exited() => {
            ("EssentialContainerExited", "Essential container in task exited")
        }
        None => ("ServiceSchedulerInitiated", "The local cloud was stopped while the task ran"),
        Some(_) if row.task.desired_status == "RUNNING" => return Ok(Next::Wait),
        Some(_) => ("", ""),
    };
    enter(cloud, key, "DEACTIVATING", |row| want_stopped(&mut row.task, now, code, reason))
}

async fn deactivate(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Next, ServiceError> {
    if row.registered {
        targets::deregister(cloud, row).await?;
        cloud.part::<EcsStore>().tasks.update(key, |row| row.registered = false)?;
        return Ok(Next::After(Duration::ZERO));
    }
    let running = cloud.part::<RunningTasks>().find(key);
    let serves = running.is_some_and(|running| !running.essential_exited());
    if serves && targets::are_draining(cloud, row).await? {
        return Ok(Next::After(DRAIN_POLL));
    }
    enter(cloud, key, "STOPPING", |_| {})
}

async fn stop(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Next, ServiceError> {
    let running = cloud.part::<RunningTasks>();
    let exits = match running.find(key) {
        Some(task) => task.stop(Duration::MAX).await,
        None => Vec::new(),
    };
    running.forget(key);
    cloud.part::<Sandboxes>().clear(cloud, row.task.id()).await;
    let now = cloud.clock().now();
    enter(cloud, key, "DEPROVISIONING", |row| {
        row.task.execution_stopped_at = Some(now);
        for (container, exit) in row.task.containers.iter_mut().zip(exits) {
            container.exit_code = Some(exit.status());
        }
    })
}

fn deprovision(cloud: &Cloud, key: &str, row: &TaskRow) -> Result<Next, ServiceError> {
    let store = cloud.part::<EcsStore>();
    let now = cloud.clock().now();
    let failed =
        matches!(row.task.stop_code.as_deref(), Some("TaskFailedToStart" | "EssentialContainerExited"));
    if let Some(task_set) = row.task_set.as_deref().filter(|_| failed) {
        store.task_sets.update(task_set, |row| row.note_failure(cloud.clock()))?;
    }
    for (key, row) in store.tasks.entries() {
        if row.task.stopped_at.is_some_and(|stopped| now.since(stopped) > STOPPED_KEPT) {
            store.tasks.remove(&key)?;
        }
    }
    enter(cloud, key, "STOPPED", |row| {
        row.task.stopped_at = Some(now);
        row.task.connectivity = "DISCONNECTED".to_owned();
        for attachment in &mut row.task.attachments {
            attachment.status = "DELETED".to_owned();
        }
        row.host = None;
    })?;
    Ok(Next::Done)
}
