//! Rollback of an update.

use std::sync::Arc;

use super::super::evaluate::Scope;
use super::super::status::Status;
use super::super::store::{Resource, Undo};
use super::making::{failed_to, recorded, update};
use super::run::{Run, handler_reason};
use super::update::{describe, set_aside};
use super::walk::Walk;
use crate::error::ServiceError;

/// The phase `UPDATE_ROLLBACK_IN_PROGRESS`: what the update changed is put back in the order in which it was
/// made; what it added is deleted by the clean-up that follows.
pub(super) async fn run(run: &Run) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    let scope = Arc::new(run.scope(&stack, &stack.current)?);
    let graph = scope.graph();
    let walk = Walk { run, graph: &graph, stop_at_failure: true, phase: Status::UpdateRollbackInProgress };
    let walked = walk
        .go(|id| {
            let (run, scope) = (run.clone(), scope.clone());
            async move { put_back(&run, &id).await && recorded(describe_again(&run, &scope, &id)) }
        })
        .await?;
    if walked.overtaken {
        return Ok(());
    }
    if walked.failed.is_empty() {
        return run.set_status(Status::UpdateRollbackCompleteCleanupInProgress, None);
    }
    let reason = Some(failed_to("update", &walked.failed));
    run.finish_phase(Status::UpdateRollbackFailed, reason, |stack| stack.rollback_failures = walked.failed)
}

/// The policies of a resource that the update itself did not touch are those of the template before, too.
fn describe_again(run: &Run, scope: &Scope, id: &str) -> Result<(), ServiceError> {
    let record = run.resource(id).filter(|record| record.undo.is_none() && !record.is_gone());
    let (Some(mut record), Some(declared)) = (record, scope.active_resource(id)) else { return Ok(()) };
    describe(&mut record, declared, scope);
    run.put(&record)
}

async fn put_back(run: &Run, id: &str) -> bool {
    let Some(record) = run.resource(id) else { return true };
    match record.undo.clone() {
        Some(Undo::Changed(old)) => change_back(run, record, *old).await,
        Some(Undo::Replaced(old)) => recorded(take_back(run, record, *old)),
        // It failed before anything was done to it.
        None if record.status == Status::UpdateFailed => {
            let mut record = record;
            recorded(run.mark(&mut record, Status::UpdateComplete, None))
        }
        Some(Undo::Added) | None => true,
    }
}

async fn change_back(run: &Run, mut record: Resource, mut old: Resource) -> bool {
    if !recorded(run.mark(&mut record, Status::UpdateInProgress, None)) {
        return false;
    }
    // Where the update was drift-aware, what was really there; else what the template said before.
    let before = match old.actual.take() {
        Some(actual) => Resource { properties: actual, ..old.clone() },
        None => old.clone(),
    };
    match update(run, &record, &before).await {
        Ok(attributes) => {
            old.attributes = attributes;
            recorded(run.mark(&mut old, Status::UpdateComplete, None))
        }
        Err(error) => {
            let reason = handler_reason(&error, &record.token);
            recorded(run.mark(&mut record, Status::UpdateFailed, Some(reason)));
            false
        }
    }
}

/// The old physical resource is the resource again; the new one is left for the clean-up.
fn take_back(run: &Run, record: Resource, mut old: Resource) -> Result<(), ServiceError> {
    set_aside(run, record)?;
    old.actual = None;
    run.mark(&mut old, Status::UpdateComplete, None)
}
