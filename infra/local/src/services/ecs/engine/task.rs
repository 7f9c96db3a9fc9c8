//! One task, from its start to its end.

use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::error::ServiceError;
use crate::services::ecs::store::EcsStore;

pub(in crate::services::ecs) struct TaskEngine;

impl Engine for TaskEngine {
    const NAME: &'static str = "ecs-task";

    fn in_flight(_cloud: &Cloud) -> Vec<String> {
        Vec::new()
    }

    async fn step(_cloud: &Cloud, _key: &str) -> Next {
        Next::Done
    }
}

/// Wants a task stopped. One that is being stopped already keeps its first reason.
pub(in crate::services::ecs) fn ask_to_stop(
    cloud: &Cloud,
    key: &str,
    code: &str,
    reason: &str,
) -> Result<(), ServiceError> {
    cloud.part::<EcsStore>().tasks.update(key, |row| {
        if row.task.desired_status == "RUNNING" {
            row.task.desired_status = "STOPPED".to_owned();
            row.task.stop_code = Some(code.to_owned());
            row.task.stopped_reason = Some(reason.to_owned());
        }
    })?;
    cloud.start::<TaskEngine>(key);
    Ok(())
}

pub(super) async fn stop_all(_cloud: &Cloud) {}
