//! What a change set imports: resources that are named in the request, or found by their custom names.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::engine::Run;
use super::super::schema;
use super::super::store::{Stack, Store};
use super::super::template::{ResourceDeclaration, Template};
use super::request::{Changes, Prepared};
use super::validation::custom_name;
use crate::error::ServiceError;
use crate::operation::Call;

/// One of `ResourcesToImport`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResourceToImport {
    resource_type: String,
    logical_resource_id: String,
    resource_identifier: BTreeMap<String, String>,
}

/// Physical IDs of what is to be imported, by logical ID.
pub(super) type Imports = BTreeMap<String, String>;

impl ResourceToImport {
    fn physical_id(&self) -> Result<String, ServiceError> {
        let id = &self.logical_resource_id;
        let identifiers = schema::of(&self.resource_type).map_or(&[][..], |schema| schema.identifiers());
        let given: Vec<&String> = self.resource_identifier.keys().collect();
        let ([identifier], [name]) = (identifiers, given.as_slice()) else {
            return Err(ServiceError::validation(format!(
                "the local cloud imports resources with one identifier only: {id} of type {}",
                self.resource_type
            )));
        };
        if *name != identifier {
            return Err(ServiceError::validation(format!(
                "Invalid resource identifier [{name}] for resource {id}: expected [{identifier}]"
            )));
        }
        Ok(self.resource_identifier[identifier].clone())
    }
}

/// An import leaves the stack's role, tags and outputs as they are; a stack that it makes has none.
///
/// # Errors
/// `ValidationError` in AWS's words, as awslabs/aws-security-assessment-solution#6 quotes them of outputs.
pub(super) fn require_nothing_else(
    call: &Call,
    stack: &Stack,
    (prepared, role): (&Prepared, Option<&str>),
) -> Result<(), ServiceError> {
    let store = call.cloud.part::<Store>();
    let template = |key: &str| store.template(key).and_then(|text| Template::parse(&text).ok());
    let outputs = |key: &str| template(key).map(|template| template.outputs).unwrap_or_default();
    let (before, after) = (&stack.current, &prepared.revision);
    let mut touched = Vec::new();
    if role.is_some_and(|role| stack.options.role_arn.as_deref() != Some(role)) {
        touched.push("RoleArn");
    }
    if before.tags != after.tags {
        touched.push("Tags");
    }
    if outputs(&before.template) != outputs(&after.template) {
        touched.push("Outputs");
    }
    match touched.is_empty() {
        true => Ok(()),
        false => Err(ServiceError::validation(format!(
            "As part of the import operation, you cannot modify or add [{}]",
            touched.join(", ")
        ))),
    }
}

/// What a change set of type IMPORT takes in.
///
/// # Errors
/// `ValidationError` where the template does more than that, or leaves open what becomes of a resource when
/// its stack is deleted.
pub(super) fn requested(
    call: &Call,
    asked: &[ResourceToImport],
    (prepared, changes): (&Prepared, &mut Changes),
) -> Result<Imports, ServiceError> {
    if asked.is_empty() {
        return Err(ServiceError::validation(
            "ResourcesToImport must be specified for change sets of type IMPORT",
        ));
    }
    let mut imports = Imports::new();
    for one in asked {
        let id = &one.logical_resource_id;
        let declared = prepared.scope.active_resource(id);
        let declared = declared.filter(|declared| declared.resource_type == one.resource_type);
        let Some(declared) = declared else {
            let text = format!("Resource {id} of type {} is not in the template", one.resource_type);
            return Err(ServiceError::validation(text));
        };
        if declared.deletion_policy.is_none() {
            return Err(ServiceError::validation(format!(
                "The following resources to import [{id}] must have DeletionPolicy attribute specified in the \
                 template."
            )));
        }
        let physical_id = one.physical_id()?;
        let is_same = |other: &String| *other == physical_id;
        if imports.values().any(is_same) || is_held(call, &one.resource_type, &physical_id) {
            return Err(ServiceError::validation(format!(
                "Resource {id} with identifier {physical_id} already belongs to a stack"
            )));
        }
        imports.insert(id.clone(), physical_id);
    }
    let others = changes.plain.iter().filter_map(|change| {
        let change = &change["ResourceChange"];
        let id = change["LogicalResourceId"].as_str()?;
        (change["Action"] != "Add" || !imports.contains_key(id)).then_some(id)
    });
    let others: Vec<&str> = others.collect();
    if !others.is_empty() {
        return Err(ServiceError::validation(format!(
            "You have modified resources [{}] in your template that are not being imported. Update, create or \
             delete operations cannot be executed during import operations.",
            others.join(", ")
        )));
    }
    told(changes, &imports);
    Ok(imports)
}

/// What `ImportExistingResources` takes in: new resources with a static custom name and a deletion policy that
/// keeps them, which exist and are in no stack (user guide, "Import AWS resources into a CloudFormation stack
/// automatically"). Others stay additions, and their names conflict.
pub(super) async fn existing(
    call: &Call,
    stack: &Stack,
    (prepared, changes): (&Prepared, &mut Changes),
) -> Imports {
    let run = Run::new(&call.cloud, &stack.id);
    let asking = Stack { principal: call.principal.clone(), ..stack.clone() };
    let mut imports = Imports::new();
    for declared in prepared.scope.active() {
        let id = &declared.logical_id;
        let added = changes.plain.iter().map(|change| &change["ResourceChange"]);
        let added =
            added.clone().any(|one| one["Action"] == "Add" && one["LogicalResourceId"] == id.as_str());
        let Some(name) = importable_name(declared).filter(|_| added) else { continue };
        if !is_held(call, &declared.resource_type, &name)
            && run.is_taken(&asking, declared, &declared.properties, &name).await
        {
            imports.insert(id.clone(), name);
        }
    }
    told(changes, &imports);
    imports
}

/// Whether a stack holds the resource.
fn is_held(call: &Call, kind: &str, name: &str) -> bool {
    let rows = call.cloud.part::<Store>().resources.values();
    rows.iter()
        .any(|row| row.resource_type == kind && row.physical_id.as_deref() == Some(name) && !row.is_gone())
}

fn importable_name(declared: &ResourceDeclaration) -> Option<String> {
    let kept = matches!(declared.deletion_policy.as_deref(), Some("Retain" | "RetainExceptOnCreate"));
    // A name that a function makes is no static one, and no text here.
    kept.then(|| custom_name(&declared.resource_type, &declared.properties)).flatten()
}

/// Tells additions that are imports as such.
fn told(changes: &mut Changes, imports: &Imports) {
    for change in changes.plain.iter_mut().chain(&mut changes.with_values) {
        let change: &mut Value = &mut change["ResourceChange"];
        let physical_id = change["LogicalResourceId"].as_str().and_then(|id| imports.get(id));
        if let Some(physical_id) = physical_id {
            change["Action"] = json!("Import");
            change["PhysicalResourceId"] = json!(physical_id);
        }
    }
}
