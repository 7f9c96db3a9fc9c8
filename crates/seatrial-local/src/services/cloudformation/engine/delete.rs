//! Deletion: of a stack, of what a failed creation left, of what an update no longer needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::evaluate::resolve_dynamic;
use super::super::graph::{Graph, reversed};
use super::super::status::Status;
use super::super::store::{Resource, Stack};
use super::making::{failed_to, handled, recorded};
use super::permitted::{doing, looking};
use super::run::{Run, handler_reason};
use super::walk::Walk;
use crate::error::ServiceError;
use crate::latency::Handling;

/// Why resources are deleted: it decides which policy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    StackDeletion,
    CreationRollback,
    UpdateCleanup,
}

/// The phase `DELETE_IN_PROGRESS`.
pub(super) async fn run(run: &Run) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    let mut resources = run.store.resources_of(run.stack_id());
    for resource in stack.leftovers.clone() {
        resources.insert(leftover_key(&resource), resource);
    }
    resources.retain(|_, resource| !resource.is_gone());
    let failed = delete_all(run, resources, Occasion::StackDeletion).await?;
    if failed.is_empty() {
        return run.finish_phase(Status::DeleteComplete, None, |stack| stack.leftovers.clear());
    }
    run.set_status(Status::DeleteFailed, Some(failed_to("delete", &failed)))
}

/// The phase `ROLLBACK_IN_PROGRESS`.
pub(super) async fn roll_back_creation(run: &Run) -> Result<(), ServiceError> {
    let mut resources = run.store.resources_of(run.stack_id());
    resources.retain(|_, resource| !resource.is_gone());
    let failed = delete_all(run, resources, Occasion::CreationRollback).await?;
    if failed.is_empty() {
        return run.set_status(Status::RollbackComplete, None);
    }
    run.set_status(Status::RollbackFailed, Some(failed_to("delete", &failed)))
}

/// The phases `UPDATE_…_CLEANUP_IN_PROGRESS`: deletes what was replaced and what the template no longer has.
pub(super) async fn clean_up(run: &Run) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    let scope = run.scope(&stack, &stack.current)?;
    let mut superfluous = run.store.resources_of(run.stack_id());
    for resource in superfluous.values_mut().filter(|resource| resource.undo.is_some()) {
        resource.undo = None;
        run.put(resource)?;
    }
    superfluous.retain(|id, resource| scope.active_resource(id).is_none() && !resource.is_gone());
    for resource in stack.leftovers {
        superfluous.insert(leftover_key(&resource), resource);
    }
    let failed = delete_all(run, superfluous, Occasion::UpdateCleanup).await?;
    let (status, success) = match stack.status {
        Status::UpdateCompleteCleanupInProgress => (Status::UpdateComplete, "Update successful."),
        _ => (Status::UpdateRollbackComplete, "Update rollback successful."),
    };
    let reason = format!("{success} One or more resources could not be deleted.");
    run.finish_phase(status, (!failed.is_empty()).then_some(reason), |stack| {
        stack.previous = None;
        stack.leftovers.clear();
    })
}

/// A leftover's key beside the stack's present resources, whose keys are their logical IDs.
fn leftover_key(resource: &Resource) -> String {
    format!("{}\u{0}{}", resource.logical_id, resource.token)
}

fn logical_id(key: &str) -> &str {
    key.split('\u{0}').next().unwrap_or(key)
}

fn is_leftover(key: &str) -> bool {
    key.contains('\u{0}')
}

/// Deletes resources, each after those that depend on it; answers the logical IDs that failed. A leftover's
/// record is the stack's, not the table's.
async fn delete_all(
    run: &Run,
    resources: BTreeMap<String, Resource>,
    occasion: Occasion,
) -> Result<Vec<String>, ServiceError> {
    let needs = |resource: &Resource| resource.depends_on.iter().cloned().collect();
    let mut needed: Graph = resources.iter().map(|(key, resource)| (key.clone(), needs(resource))).collect();
    // What needs a resource needs its old self too: neither is deleted before the other's dependents.
    for needs in needed.values_mut() {
        let old = resources.keys().filter(|key| is_leftover(key) && needs.contains(logical_id(key)));
        let old: Vec<String> = old.cloned().collect();
        needs.extend(old);
    }
    let graph = reversed(&needed);
    let resources = Arc::new(resources);
    let phase = run.stack()?.status;
    let walk = Walk { run, graph: &graph, stop_at_failure: false, phase };
    let walked = walk
        .go(|key| {
            let (run, resources) = (run.clone(), Arc::clone(&resources));
            async move {
                match resources.get(&key) {
                    Some(resource) => delete(&run, resource.clone(), !is_leftover(&key), occasion).await,
                    None => true,
                }
            }
        })
        .await?;
    Ok(walked.failed.iter().map(|key| logical_id(key).to_owned()).collect())
}

/// Deletes one resource, or leaves it by its policy; whether that succeeded.
async fn delete(run: &Run, mut resource: Resource, has_record: bool, occasion: Occasion) -> bool {
    let Ok(stack) = run.stack() else { return false };
    if is_kept(&stack, &resource, has_record, occasion) {
        return recorded(note(run, &mut resource, (has_record, occasion), Status::DeleteSkipped, None));
    }
    if resource.physical_id.is_some() {
        let begun = note(run, &mut resource, (has_record, occasion), Status::DeleteInProgress, None);
        if !recorded(begun) {
            return false;
        }
        if let Err(error) = call_handler(run, &stack, &resource, occasion).await {
            let reason = Some(handler_reason(&error, &resource.token));
            let status = if stack.force_delete { Status::DeleteSkipped } else { Status::DeleteFailed };
            return recorded(note(run, &mut resource, (has_record, occasion), status, reason))
                && stack.force_delete;
        }
    }
    recorded(note(run, &mut resource, (has_record, occasion), Status::DeleteComplete, None))
}

async fn call_handler(
    run: &Run,
    stack: &Stack,
    resource: &Resource,
    occasion: Occasion,
) -> Result<(), ServiceError> {
    let Some(physical_id) = resource.physical_id.clone() else { return Ok(()) };
    let handler = run.handler(&resource.resource_type)?;
    let mut context = run.context(stack, resource, true);
    context.snapshot = takes_snapshot(resource, occasion);
    // A secret that is gone already is not needed to delete what used it.
    let properties = resolve_dynamic(&run.cloud, &context.principal, resource.properties.clone()).await;
    let properties = properties.unwrap_or_else(|_| resource.properties.clone());
    let (principal, handled) = (context.principal.clone(), handled(resource));
    doing(run, &principal, Handling::Deletion, &handled)?;
    looking(run, &principal, Handling::Deletion, &handled)?;
    let deleting = (handler.delete)(context, physical_id, properties);
    run.lasting((&resource.resource_type, Handling::Deletion), deleting).await
}

/// The state of a deletion: in the record if it is the stack's present one, and as an event.
fn note(
    run: &Run,
    resource: &mut Resource,
    (has_record, occasion): (bool, Occasion),
    status: Status,
    reason: Option<String>,
) -> Result<(), ServiceError> {
    resource.status = status;
    resource.reason = reason;
    resource.time = run.cloud.clock().now();
    run.event(resource)?;
    if !has_record {
        if resource.is_gone() {
            run.update_stack(|stack| stack.leftovers.retain(|left| left.token != resource.token))?;
        }
        return Ok(());
    }
    if resource.is_gone() && occasion == Occasion::UpdateCleanup {
        let key = super::super::store::resource_key(run.stack_id(), &resource.logical_id);
        run.store.resources.remove(&key)?;
        return Ok(());
    }
    run.put(resource)
}

fn is_kept(stack: &Stack, resource: &Resource, has_record: bool, occasion: Occasion) -> bool {
    if occasion == Occasion::StackDeletion && stack.retained.contains(&resource.logical_id) {
        return true;
    }
    if resource.physical_id.is_none() {
        return false;
    }
    // What was only taken in is let go again, whatever its policy says.
    let rolled_back = occasion == Occasion::CreationRollback
        || stack.status == Status::UpdateRollbackCompleteCleanupInProgress;
    if resource.imported && rolled_back {
        return true;
    }
    let policy = if has_record { &resource.deletion_policy } else { &resource.update_replace_policy };
    match policy.as_deref() {
        Some("Retain") => !(occasion == Occasion::CreationRollback && stack.options.retain_except_on_create),
        Some("RetainExceptOnCreate") => occasion != Occasion::CreationRollback,
        _ => false,
    }
}

/// A database instance outside a cluster is snapshotted unless its policy says otherwise.
fn takes_snapshot(resource: &Resource, occasion: Occasion) -> bool {
    let policy = match occasion {
        Occasion::UpdateCleanup => resource.update_replace_policy.as_deref(),
        _ => resource.deletion_policy.as_deref(),
    };
    match policy {
        Some(policy) => policy == "Snapshot",
        None => {
            resource.resource_type == "AWS::RDS::DBInstance"
                && resource.properties.get("DBClusterIdentifier").is_none()
        }
    }
}
