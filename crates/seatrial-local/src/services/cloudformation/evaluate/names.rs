//! Names: every one that a template uses must be one it declares, on whichever branch it stands.

use serde_json::Value;

use super::super::resources::is_answered;
use super::super::schema;
use super::super::template::{Template, format_error, template_error};
use super::references::{Reference, references};
use super::scope::Scope;
use crate::error::ServiceError;

/// Refuses outputs in effect that refer to a resource whose condition does not hold.
pub(super) fn check_outputs(scope: &Scope) -> Result<(), ServiceError> {
    for output in scope.template.outputs.values() {
        if !scope.holds(output.get("Condition").and_then(Value::as_str)) {
            continue;
        }
        for reference in scope.taken(output) {
            let (Reference::Ref(name) | Reference::Attribute(name, _)) = reference else { continue };
            if scope.template.resource(&name).is_some() && scope.active_resource(&name).is_none() {
                return Err(ServiceError::validation(format!(
                    "Unresolved resource dependencies [{name}] in the Outputs block of the template"
                )));
            }
        }
    }
    Ok(())
}

/// Checks `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::If`, `Fn::FindInMap`, `DependsOn` and `Condition`.
pub(in super::super) fn check_names(template: &Template) -> Result<(), ServiceError> {
    for resource in &template.resources {
        check_value(template, &resource.properties, "Resources")?;
        if let Some(id) = resource.depends_on.iter().find(|id| template.resource(id).is_none()) {
            return Err(unresolved(id, "Resources"));
        }
        check_condition(template, resource.condition.as_deref(), "Resources")?;
    }
    for output in template.outputs.values() {
        check_value(template, output, "Outputs")?;
        check_condition(template, output.get("Condition").and_then(Value::as_str), "Outputs")?;
    }
    Ok(())
}

fn check_condition(template: &Template, name: Option<&str>, block: &str) -> Result<(), ServiceError> {
    match name {
        Some(name) if !template.conditions.contains_key(name) => Err(format_error(format!(
            "Unresolved condition dependency {name} in the {block} block of the template"
        ))),
        _ => Ok(()),
    }
}

fn check_value(template: &Template, value: &Value, block: &str) -> Result<(), ServiceError> {
    for reference in references(value, None) {
        match reference {
            Reference::Ref(name) => {
                let known = name.starts_with("AWS::")
                    || template.parameters.contains_key(&name)
                    || template.resource(&name).is_some();
                if !known {
                    return Err(unresolved(&name, block));
                }
            }
            Reference::Attribute(name, attribute) => check_attribute(template, &name, &attribute)?,
            Reference::Condition(name) if !template.conditions.contains_key(&name) => {
                return Err(template_error(format!("unresolved condition dependency {name} in Fn::If")));
            }
            Reference::Mapping(name) if !template.mappings.contains_key(&name) => {
                return Err(template_error(format!(
                    "Mapping named '{name}' is not present in the 'Mappings' section of template."
                )));
            }
            Reference::Condition(_) | Reference::Mapping(_) => {}
        }
    }
    Ok(())
}

fn check_attribute(template: &Template, name: &str, attribute: &str) -> Result<(), ServiceError> {
    let Some(resource) = template.resource(name) else {
        let text = format!("instance of Fn::GetAtt references undefined resource {name}");
        return Err(template_error(text));
    };
    let schema = schema::of(&resource.resource_type);
    let known = |schema: &schema::Schema| {
        schema.has_attribute(attribute) && is_answered(&resource.resource_type, attribute)
    };
    if attribute.is_empty() || schema.is_none_or(known) {
        return Ok(());
    }
    Err(no_attribute(&resource.resource_type, attribute))
}

pub(super) fn no_attribute(resource_type: &str, attribute: &str) -> ServiceError {
    template_error(format!(
        "resource type {resource_type} does not support attribute {{{attribute}}} in Fn::GetAtt"
    ))
}

pub(super) fn unresolved(name: &str, block: &str) -> ServiceError {
    format_error(format!("Unresolved resource dependencies [{name}] in the {block} block of the template"))
}
