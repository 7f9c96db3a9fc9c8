//! What a change set imports: resources that are named in the request, or found by their custom names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::engine::{Run, physical_id};
use super::super::schema;
use super::super::store::{Stack, Store};
use super::super::template::{ResourceDeclaration, Template};
use super::request::{Changes, Prepared};
use super::validation::custom_name;
use crate::error::ServiceError;
use crate::operation::Call;

/// One of `ResourcesToImport`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResourceToImport {
    resource_type: String,
    logical_resource_id: String,
    resource_identifier: BTreeMap<String, String>,
}

/// Primary identifiers of what is to be imported, by logical ID: one of several members is these joined by `|`, in the
/// schema's order, as Cloud Control API writes it.
pub(super) type Imports = BTreeMap<String, String>;

impl ResourceToImport {
    /// # Errors
    /// `ValidationError` where AWS imports no such type, in its console's words
    /// (aws-solutions/aws-waf-security-automations#226), or it is identified otherwise (aws/aws-cdk#20895).
    fn primary_identifier(&self, store: &Store) -> Result<String, ServiceError> {
        let kind = &self.resource_type;
        let Some(schema) = schema::of(kind).filter(|schema| schema.is_importable()) else {
            return Err(ServiceError::validation(format!(
                "The following resource types are not supported for resource import: {kind}"
            )));
        };
        if store.handler(kind).is_none_or(|handler| handler.attributes.is_none()) {
            return Err(ServiceError::validation(format!("the local cloud does not import {kind}")));
        }
        let names = schema.identifiers();
        let given = names.iter().filter_map(|name| self.resource_identifier.get(name).map(String::as_str));
        let given: Vec<&str> = given.collect();
        if given.len() != names.len() || self.resource_identifier.len() != names.len() {
            return Err(ServiceError::validation(format!(
                "Invalid resource identifier for resource type {kind}. Expected [{}]",
                names.join(", ")
            )));
        }
        Ok(given.join("|"))
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
        let store = call.cloud.part::<Store>();
        let identifier = one.primary_identifier(&store)?;
        let is_same = |other: &&ResourceToImport| {
            (&other.resource_type, &other.resource_identifier)
                == (&one.resource_type, &one.resource_identifier)
        };
        let held = is_held(call, &one.resource_type, &physical_id(&store, &one.resource_type, &identifier));
        if asked.iter().filter(is_same).count() > 1 || held {
            return Err(ServiceError::validation(format!(
                "Resource {id} with identifier {identifier} already belongs to a stack"
            )));
        }
        imports.insert(id.clone(), identifier);
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
    told(call, changes, &imports);
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
    told(call, changes, &imports);
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
fn told(call: &Call, changes: &mut Changes, imports: &Imports) {
    let store = call.cloud.part::<Store>();
    for change in changes.plain.iter_mut().chain(&mut changes.with_values) {
        let change: &mut Value = &mut change["ResourceChange"];
        let identifier = change["LogicalResourceId"].as_str().and_then(|id| imports.get(id));
        if let Some(identifier) = identifier {
            let kind = change["ResourceType"].as_str().unwrap_or_default();
            change["PhysicalResourceId"] = json!(physical_id(&store, kind, identifier));
            change["Action"] = json!("Import");
        }
    }
}
