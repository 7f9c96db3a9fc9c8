//! What making a resource, changing it and importing it have in common.

use serde_json::{Map, Value};

use super::super::evaluate::{Scope, resolve_dynamic};
use super::super::resources::{Attributes, Change};
use super::super::schema;
use super::super::status::Status;
use super::super::store::{Resource, Undo};
use super::super::template::ResourceDeclaration;
use super::permitted::{Handled, doing, looking};
use super::run::Run;
use crate::error::ServiceError;
use crate::latency::Handling;

/// `The following resource(s) failed to create: [A, B]. `, as CloudFormation words it, blank included.
pub(super) fn failed_to(what: &str, ids: &[String]) -> String {
    let mut ids = ids.to_vec();
    ids.sort();
    format!("The following resource(s) failed to {what}: [{}]. ", ids.join(", "))
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

/// A resource as the calls of its handler are judged on it.
pub(super) fn handled(resource: &Resource) -> Handled<'_> {
    Handled {
        resource_type: &resource.resource_type,
        physical_id: resource.physical_id.as_deref().unwrap_or_default(),
        attributes: &resource.attributes,
        properties: &resource.properties,
    }
}

/// Has the handler change `old` into `new` in place; answers its attributes.
pub(super) async fn update(run: &Run, old: &Resource, new: &Resource) -> Result<Attributes, ServiceError> {
    let stack = run.stack()?;
    let handler = run.handler(&new.resource_type)?;
    let context = run.context(&stack, new, true);
    let resolve = |value: &Value| resolve_dynamic(&run.cloud, &context.principal, value.clone());
    let change = Change { old: resolve(&old.properties).await?, new: resolve(&new.properties).await? };
    let physical_id = new.physical_id.clone().unwrap_or_default();
    let principal = &context.principal;
    let handled = handled(new);
    doing(run, principal, Handling::Update, &handled)?;
    let updating = (handler.update)(context.clone(), physical_id, change);
    let attributes = run.lasting((&new.resource_type, Handling::Update), updating).await?;
    looking(run, principal, Handling::Update, &handled)?;
    Ok(attributes)
}
