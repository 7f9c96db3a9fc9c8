//! What makes services true: the scheduler keeps the wanted tasks, and each task goes through its states.

mod new_task;
mod service;
mod task;

pub(super) use new_task::NewTask;
pub(super) use service::ServiceEngine;
pub(super) use task::{TaskEngine, ask_to_stop};

use crate::cloud::Cloud;

/// Takes up services and tasks where the last process left them.
pub(crate) async fn resume(cloud: &Cloud) {
    cloud.resume::<TaskEngine>();
    cloud.resume::<ServiceEngine>();
}

/// Ends all tasks; services start new ones at the next start.
pub(crate) async fn stop(cloud: &Cloud) {
    task::stop_all(cloud).await;
}
