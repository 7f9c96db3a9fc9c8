//! Import of resources that exist already: they are taken into the stack as they are (user guide, "Import AWS
//! resources into a CloudFormation stack").

use std::sync::Arc;

use super::super::changes::{Difference, Wanted};
use super::super::drift::{Live, seen};
use super::super::evaluate::Scope;
use super::super::schema::{self, text_of};
use super::super::status::Status;
use super::super::store::{Resource, Store, Undo, resource_key};
use super::super::template::ResourceDeclaration;
use super::making::{failed_to, needs, new_resource, recorded, update, validate};
use super::run::{Made, Run, handler_reason};
use super::settle::{Settled, settle};
use crate::error::ServiceError;

/// The phase `IMPORT_IN_PROGRESS`.
pub(super) async fn run(run: &Run) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    let import_one =
        |run: Run, scope: Arc<Scope>, id: String| async move { import_or_leave(&run, &scope, &id).await };
    let failed = |ids: &[String]| failed_to("import", ids);
    match settle((run, &stack, Status::ImportInProgress), import_one, failed).await? {
        Settled::Overtaken => Ok(()),
        Settled::Failed(reason) => run.set_status(Status::ImportRollbackInProgress, Some(reason)),
        Settled::Done(outputs) => run.finish_phase(Status::ImportComplete, None, |stack| {
            stack.outputs = outputs;
            stack.previous = None;
        }),
    }
}

/// The phase `IMPORT_ROLLBACK_IN_PROGRESS`: what was taken in is let go, untouched.
pub(super) fn roll_back(run: &Run) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    for id in stack.imports.keys() {
        run.store.resources.remove(&resource_key(run.stack_id(), id))?;
    }
    run.finish_phase(Status::ImportRollbackComplete, None, |stack| {
        if let Some(previous) = stack.previous.take() {
            stack.current = previous;
        }
    })
}

/// An import changes nothing else.
async fn import_or_leave(run: &Run, scope: &Scope, id: &str) -> bool {
    let imported = run.stack().ok().and_then(|stack| stack.imports.get(id).cloned());
    let taken = [Status::ImportComplete, Status::UpdateComplete];
    let there =
        run.resource(id).is_some_and(|resource| resource.imported && taken.contains(&resource.status));
    match (imported, scope.active_resource(id)) {
        (Some(identifier), Some(declared)) if !there => {
            import(run, scope, declared, (&identifier, None)).await
        }
        _ => true,
    }
}

/// The physical ID of a resource that is identified so: by all members of the primary identifier, or the one that its
/// type is known by.
pub(in super::super) fn physical_id(store: &Store, resource_type: &str, identifier: &str) -> String {
    let known_by = store.handler(resource_type).and_then(|handler| handler.known_by);
    let member = known_by.and_then(|known_by| {
        let mut members = members(resource_type, identifier);
        members.find(|(name, _)| *name == known_by).map(|(_, value)| value.to_owned())
    });
    member.unwrap_or_else(|| identifier.to_owned())
}

/// The members of a primary identifier, with their names. The last one keeps what looks like another.
fn members<'a>(
    resource_type: &str,
    identifier: &'a str,
) -> impl Iterator<Item = (&'static str, &'a str)> + use<'a> {
    let names = schema::of(resource_type).map_or(&[][..], |schema| schema.identifiers());
    names.iter().map(String::as_str).zip(identifier.splitn(names.len().max(1), '|'))
}

/// Takes one resource in; whether that succeeded.
pub(super) async fn import(
    run: &Run,
    scope: &Scope,
    declared: &ResourceDeclaration,
    (identifier, undo): (&str, Option<Undo>),
) -> bool {
    let mut resource = new_resource(run, declared, undo);
    resource.imported = true;
    resource.physical_id = Some(physical_id(&run.store, &declared.resource_type, identifier));
    resource.depends_on = needs(scope, declared);
    match take_in(run, scope, declared, (identifier, &mut resource)).await {
        Ok(was) => {
            let reason = Some("Resource import completed.".to_owned());
            if !recorded(run.mark(&mut resource, Status::ImportComplete, reason)) {
                return false;
            }
            match apply_tags(run, declared, (&was, &mut resource)).await {
                Ok(()) => true,
                Err(error) => {
                    let reason = Some(handler_reason(&error, &resource.token));
                    recorded(run.mark(&mut resource, Status::UpdateFailed, reason));
                    false
                }
            }
        }
        Err(error) => {
            let reason = Some(handler_reason(&error, &resource.token));
            // It was never the stack's.
            resource.physical_id = None;
            recorded(run.mark(&mut resource, Status::ImportFailed, reason));
            false
        }
    }
}

/// Answers it as it was found.
async fn take_in(
    run: &Run,
    scope: &Scope,
    declared: &ResourceDeclaration,
    (identifier, resource): (&str, &mut Resource),
) -> Result<Resource, ServiceError> {
    resource.properties = scope.properties(declared, &Made(run))?;
    resource.metadata = scope.metadata(declared, &Made(run))?;
    run.mark(resource, Status::ImportInProgress, Some("Resource import started.".to_owned()))?;
    validate(resource)?;
    let stack = run.stack()?;
    let physical_id = resource.physical_id.clone().unwrap_or_default();
    let kind = resource.resource_type.clone();
    let text = format!("Resource of type '{kind}' with identifier '{identifier}' was not found.");
    let missing = || ServiceError::new("NotFound", text);
    let Live::There(actual) = run.live(&stack, resource).await? else { return Err(missing()) };
    let handler = run.handler(&resource.resource_type)?;
    let Some(attributes) = handler.attributes else {
        let text = format!("{} does not support import", resource.resource_type);
        return Err(ServiceError::validation(text));
    };
    resource.attributes = attributes(run.context(&stack, resource, true), physical_id).await?;
    // What it is not known by must be true of it, too.
    let is_other = |(name, value): (&str, &str)| {
        let found = resource.attributes.get(name).or_else(|| resource.properties.get(name));
        found.is_some_and(|found| text_of(found) != value)
    };
    if members(&kind, identifier).any(is_other) {
        return Err(missing());
    }
    let properties = seen(&resource.resource_type, &resource.properties, &resource.properties, &actual);
    Ok(Resource { properties, ..resource.clone() })
}

/// What AWS does once a resource is taken in: the type's update handler runs, for the sake of the stack's tags, with the
/// properties that the template has. What it cannot change in place stays as it is; only drift detection tells it.
async fn apply_tags(
    run: &Run,
    declared: &ResourceDeclaration,
    (was, resource): (&Resource, &mut Resource),
) -> Result<(), ServiceError> {
    let wanted = Wanted { properties: resource.properties.clone(), metadata: resource.metadata.clone() };
    if Difference::of(was, declared, &wanted, true).replaces() {
        return Ok(());
    }
    let reason = Some("Apply stack-level tags to imported resource if applicable.".to_owned());
    run.mark(resource, Status::UpdateInProgress, reason)?;
    resource.attributes = update(run, was, resource).await?;
    run.mark(resource, Status::UpdateComplete, None)
}
