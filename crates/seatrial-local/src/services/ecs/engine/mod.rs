//! What makes services true: the scheduler keeps the wanted tasks, and each task goes through its states.

mod contained;
mod dependencies;
mod executable;
mod failure;
mod health;
mod host;
mod image;
mod launch;
mod logs;
mod new_task;
mod plain;
mod rights;
mod running;
mod scheduler;
mod secrets;
mod service;
mod spoiled;
mod targets;
mod task;
mod user;
mod ways;

pub(super) use new_task::NewTask;
pub(super) use service::ServiceEngine;
pub(super) use task::{TaskEngine, ask_to_stop};

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::cloud::Cloud;
use crate::runtime::process::Processes;
use crate::runtime::sandbox::Sandboxes;
use running::{PROCESSES, RunningTasks};

/// How long tasks may drain when the local cloud stops: the longest that its user waits for.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Takes up services and tasks where the last process left them. Tasks that outlived it are ended: services
/// start new ones.
pub(crate) async fn resume(cloud: &Cloud) {
    let processes = cloud.part::<Processes>();
    if let Err(error) = processes.end_leftovers(PROCESSES, Signal::SIGTERM, SHUTDOWN).await {
        tracing::error!(%error, "failed to forget the tasks of an earlier local cloud");
    }
    cloud.part::<Sandboxes>().clear_all(cloud).await;
    cloud.resume::<TaskEngine>();
    cloud.resume::<ServiceEngine>();
}

/// Ends all tasks; services start new ones at the next start.
pub(crate) async fn stop(cloud: &Cloud) {
    cloud.part::<RunningTasks>().stop_all(SHUTDOWN).await;
    cloud.part::<Processes>().stop_all(PROCESSES, Signal::SIGTERM, SHUTDOWN).await;
}
