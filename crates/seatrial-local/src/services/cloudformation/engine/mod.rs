//! The engine that carries out stack operations. See [`super::status`] for the states it passes through.
//!
//! A step does one phase of an operation. Each resource's progress is persisted, so a phase that was cut off
//! is done again from where it was.

use std::time::Duration;

use super::status::Status;
use super::store::Store;
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::error::ServiceError;

mod create;
mod delete;
mod exports;
mod import;
mod live;
mod making;
mod permitted;
mod rollback;
mod run;
mod settle;
mod update;
mod walk;

pub(super) use import::physical_id;
pub(super) use run::{Run, masked, surroundings};
pub(super) use update::begin_rollback;

/// Drives stacks, by ID.
pub(super) struct StackEngine;

impl Engine for StackEngine {
    const NAME: &'static str = "cloudformation-stack";
    const ENDS: bool = true;

    fn in_flight(cloud: &Cloud) -> Vec<String> {
        let stacks = cloud.part::<Store>().stacks.entries();
        stacks.into_iter().filter(|(_, stack)| stack.status.is_in_flight()).map(|(id, _)| id).collect()
    }

    async fn step(cloud: &Cloud, key: &str) -> Next {
        let run = Run::new(cloud, key);
        let Ok(stack) = run.stack() else { return Next::Done };
        let result = match stack.status {
            Status::CreateInProgress => create::run(&run).await,
            Status::RollbackInProgress => delete::roll_back_creation(&run).await,
            Status::DeleteInProgress => delete::run(&run).await,
            Status::UpdateInProgress => update::run(&run).await,
            Status::UpdateRollbackInProgress => rollback::run(&run).await,
            Status::ImportInProgress => import::run(&run).await,
            Status::ImportRollbackInProgress => import::roll_back(&run),
            Status::UpdateCompleteCleanupInProgress | Status::UpdateRollbackCompleteCleanupInProgress => {
                delete::clean_up(&run).await
            }
            _ => return Next::Done,
        };
        if let Err(error) = result {
            return give_up(&run, stack.status, &error);
        }
        match run.stack() {
            Ok(stack) if stack.status.is_in_flight() => Next::After(Duration::ZERO),
            _ => Next::Done,
        }
    }

    fn fail(cloud: &Cloud, key: &str, why: &str) -> Next {
        let run = Run::new(cloud, key);
        let Ok(stack) = run.stack() else { return Next::Done };
        give_up(&run, stack.status, &ServiceError::internal(format!("Internal Failure: {why}")))
    }
}

/// A phase that could not even be begun: the stack must not stay in flight for ever.
fn give_up(run: &Run, phase: Status, error: &ServiceError) -> Next {
    let failed = match phase {
        Status::CreateInProgress => Status::CreateFailed,
        Status::RollbackInProgress => Status::RollbackFailed,
        Status::DeleteInProgress => Status::DeleteFailed,
        Status::UpdateInProgress => Status::UpdateFailed,
        Status::ImportInProgress | Status::ImportRollbackInProgress => Status::ImportRollbackComplete,
        _ => Status::UpdateRollbackFailed,
    };
    if let Err(error) = run.set_status(failed, Some(error.message.clone())) {
        tracing::error!(stack = run.stack_id(), %error, "a failed stack operation could not be recorded");
    }
    Next::Done
}
