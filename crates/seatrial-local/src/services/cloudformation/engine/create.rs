//! Creation of a stack, and of one resource.

use std::sync::Arc;

use super::super::evaluate::{Scope, resolve_dynamic};
use super::super::resources::Created;
use super::super::status::Status;
use super::super::store::{INVALID, OnFailure, Resource, Stack, Undo};
use super::super::template::ResourceDeclaration;
use super::import::import;
use super::making::{failed_to, handled, needs, new_resource, recorded, validate};
use super::permitted::{Handled, doing, looking};
use super::run::{Made, Run, handler_reason};
use super::settle::{Settled, settle};
use crate::error::ServiceError;
use crate::latency::Handling;

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

/// Makes one resource; whether it succeeded. A resource that is there already is left alone; one that was
/// being made when the process ended is made again as the same one.
pub(super) async fn make(run: &Run, scope: &Scope, id: &str, undo: Option<Undo>) -> bool {
    let earlier = run.resource(id).filter(|earlier| !earlier.is_gone());
    let made = |earlier: &Resource| matches!(earlier.status, Status::CreateComplete | Status::ImportComplete);
    if earlier.as_ref().is_some_and(made) {
        return true;
    }
    let Some(declared) = scope.active_resource(id) else { return true };
    if let Some(identifier) = run.stack().ok().and_then(|stack| stack.imports.get(id).cloned()) {
        return import(run, scope, declared, (&identifier, undo)).await;
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

/// Has the handler make what `resource` describes, and takes over what it answers.
pub(super) async fn create(run: &Run, resource: &mut Resource, retried: bool) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    let handler = run.handler(&resource.resource_type)?;
    let context = run.context(&stack, resource, retried);
    let properties = resolve_dynamic(&run.cloud, &context.principal, resource.properties.clone()).await?;
    let (initiated, principal) = (context.on_initiated.clone(), context.principal.clone());
    let (resource_type, declared) = (resource.resource_type.as_str(), &resource.properties);
    let made = |created: &Created| {
        let Created { physical_id, attributes } = created;
        let handled = Handled { resource_type, physical_id, attributes, properties: declared };
        doing(run, &principal, Handling::Creation, &handled)
    };
    let making = async {
        let created = (handler.create)(context.clone(), properties.clone()).await?;
        if let Err(refused) = made(&created) {
            (handler.delete)(context, created.physical_id, properties).await?;
            return Err(refused);
        }
        // From here on a cancelled creation can be undone.
        initiated(&created.physical_id);
        Ok(created)
    };
    let created = run.lasting((resource_type, Handling::Creation), making).await;
    // The handler may have told the physical ID meanwhile, even if it failed afterwards.
    if let Some(now) = run.resource(&resource.logical_id) {
        resource.physical_id = now.physical_id;
    }
    let created = created?;
    run.note_initiated(resource, &created.physical_id)?;
    resource.physical_id = Some(created.physical_id);
    resource.attributes = created.attributes;
    looking(run, &principal, Handling::Creation, &handled(resource))
}
