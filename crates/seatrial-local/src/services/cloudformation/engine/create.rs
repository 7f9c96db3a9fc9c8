//! Creation of a stack, and of one resource.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::evaluate::{Scope, resolve_dynamic};
use super::super::schema;
use super::super::status::Status;
use super::super::store::{INVALID, OnFailure, Resource, Stack, Undo};
use super::super::template::ResourceDeclaration;
use super::import::import;
use super::run::{Made, Run, handler_reason};
use super::settle::{Settled, settle};
use crate::error::ServiceError;

/// The phase `CREATE_IN_PROGRESS`.
pub(super) async fn run(run: &Run) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    if stack.is_invalid() {
        return fail(run, &stack, INVALID.to_owned());
    }
    let make_one =
        |run: Run, scope: Arc<Scope>, id: String| async move { make(&run, &scope, &id, None).await };
    let failed = |ids: &[String]| failed_to("create", ids);
    match settle((run, &stack, Status::CreateInProgress), make_one, failed).await? {
        Settled::Overtaken => Ok(()),
        Settled::Failed(reason) => fail(run, &stack, reason),
        Settled::Done(outputs) => {
            run.finish_phase(Status::CreateComplete, None, |stack| stack.outputs = outputs)
        }
    }
}

fn fail(run: &Run, stack: &Stack, reason: String) -> Result<(), ServiceError> {
    match stack.options.on_failure {
        OnFailure::DoNothing => run.set_status(Status::CreateFailed, Some(reason)),
        OnFailure::Delete => run.set_status(
            Status::DeleteInProgress,
            Some(format!("{} Delete requested by user.", reason.trim())),
        ),
        OnFailure::Rollback => {
            let reason = format!("{} Rollback requested by user.", reason.trim());
            run.set_status(Status::RollbackInProgress, Some(reason))
        }
    }
}

/// `The following resource(s) failed to create: [A, B]. `, as CloudFormation words it, blank included.
pub(super) fn failed_to(what: &str, ids: &[String]) -> String {
    let mut ids = ids.to_vec();
    ids.sort();
    format!("The following resource(s) failed to {what}: [{}]. ", ids.join(", "))
}

/// Makes one resource; whether it succeeded. A resource that is there already is left alone; one that was
/// being made when the process ended is made again as the same one.
pub(super) async fn make(run: &Run, scope: &Scope, id: &str, undo: Option<Undo>) -> bool {
    let earlier = run.resource(id).filter(|earlier| !earlier.is_gone());
    let made = |earlier: &Resource| matches!(earlier.status, Status::CreateComplete | Status::ImportComplete);
    if earlier.as_ref().is_some_and(made) {
        return true;
    }
    let Some(declared) = scope.active_resource(id) else { return true };
    if let Some(physical_id) = run.stack().ok().and_then(|stack| stack.imports.get(id).cloned()) {
        return import(run, scope, declared, (&physical_id, undo)).await;
    }
    let retried = earlier.as_ref().is_some_and(|earlier| earlier.status == Status::CreateInProgress);
    let mut resource = match earlier.filter(|_| retried) {
        Some(earlier) => earlier,
        None => new_resource(run, declared, undo),
    };
    resource.depends_on = needs(scope, declared);
    let made = match begin(run, scope, declared, &mut resource, retried) {
        Ok(()) => create(run, &mut resource, retried).await,
        Err(error) => Err(error),
    };
    let reason = match made {
        Ok(()) => None,
        Err(error) => Some(handler_reason(&error, &resource.token)),
    };
    let status = if reason.is_none() { Status::CreateComplete } else { Status::CreateFailed };
    let succeeded = reason.is_none();
    recorded(run.mark(&mut resource, status, reason)) && succeeded
}

/// Logs a record that could not be written: nothing else can be done about it here.
pub(super) fn recorded(result: Result<(), ServiceError>) -> bool {
    if let Err(error) = &result {
        tracing::error!(%error, "a resource's state could not be recorded");
    }
    result.is_ok()
}

pub(super) fn needs(scope: &Scope, declared: &ResourceDeclaration) -> Vec<String> {
    let graph = scope.graph();
    graph.get(&declared.logical_id).into_iter().flatten().cloned().collect()
}

pub(super) fn new_resource(run: &Run, declared: &ResourceDeclaration, undo: Option<Undo>) -> Resource {
    Resource {
        logical_id: declared.logical_id.clone(),
        resource_type: declared.resource_type.clone(),
        physical_id: None,
        status: Status::CreateInProgress,
        reason: None,
        time: run.cloud.clock().now(),
        properties: Value::Object(Map::new()),
        attributes: Map::new(),
        token: crate::id::uuid(),
        depends_on: Vec::new(),
        deletion_policy: declared.deletion_policy.clone(),
        update_replace_policy: declared.update_replace_policy.clone(),
        metadata: declared.metadata.clone(),
        actual: None,
        drift: None,
        imported: false,
        undo,
    }
}

fn begin(
    run: &Run,
    scope: &Scope,
    declared: &ResourceDeclaration,
    resource: &mut Resource,
    retried: bool,
) -> Result<(), ServiceError> {
    let properties = scope.properties(declared, &Made(run));
    if let Ok(properties) = &properties {
        resource.properties = properties.clone();
    }
    let metadata = scope.metadata(declared, &Made(run));
    if let Ok(metadata) = &metadata {
        resource.metadata = metadata.clone();
    }
    if retried {
        run.put(resource)?;
    } else {
        run.mark(resource, Status::CreateInProgress, None)?;
    }
    properties?;
    metadata?;
    validate(resource)
}

/// Refuses properties that the schema of the type does not allow.
pub(super) fn validate(resource: &Resource) -> Result<(), ServiceError> {
    let Some(schema) = schema::of(&resource.resource_type) else { return Ok(()) };
    let Some(properties) = resource.properties.as_object() else { return Ok(()) };
    let faults: Vec<_> = schema.faults(properties, true).iter().map(ToString::to_string).collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(ServiceError::validation(format!(
        "Properties validation failed for resource {} with message:\n{}",
        resource.logical_id,
        faults.join("\n")
    )))
}

/// Has the handler make what `resource` describes, and takes over what it answers.
pub(super) async fn create(run: &Run, resource: &mut Resource, retried: bool) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    let handler = run.handler(&resource.resource_type)?;
    let context = run.context(&stack, resource, retried);
    let properties = resolve_dynamic(&run.cloud, &context.principal, resource.properties.clone()).await?;
    let created = (handler.create)(context, properties).await;
    // The handler may have told the physical ID meanwhile, even if it failed afterwards.
    if let Some(now) = run.resource(&resource.logical_id) {
        resource.physical_id = now.physical_id;
    }
    let created = created?;
    run.note_initiated(resource, &created.physical_id)?;
    resource.physical_id = Some(created.physical_id);
    resource.attributes = created.attributes;
    Ok(())
}
