//! A template's sections, read from its text and checked for form.

use serde_json::{Map, Value};

use super::form;
pub(super) use super::form::{format_error, template_error};
use crate::error::ServiceError;

/// A template as it was sent, parsed.
#[derive(Debug, Clone, Default)]
pub(super) struct Template {
    pub version: Option<String>,
    pub description: Option<String>,
    pub metadata: Option<Value>,
    pub transforms: Vec<String>,
    pub parameters: Map<String, Value>,
    pub rules: Map<String, Value>,
    pub mappings: Map<String, Value>,
    pub conditions: Map<String, Value>,
    pub resources: Vec<ResourceDeclaration>,
    pub outputs: Map<String, Value>,
}

/// One member of `Resources`.
#[derive(Debug, Clone)]
pub(super) struct ResourceDeclaration {
    pub logical_id: String,
    pub resource_type: String,
    pub condition: Option<String>,
    pub depends_on: Vec<String>,
    pub deletion_policy: Option<String>,
    pub update_replace_policy: Option<String>,
    pub metadata: Value,
    /// With intrinsic functions; an object.
    pub properties: Value,
}

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Hooks",
    "Resources",
    "Outputs",
];

const RESOURCE_ATTRIBUTES: [&str; 9] = [
    "Type",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "Properties",
    "CreationPolicy",
    "UpdatePolicy",
];

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// `ValidationError` in CloudFormation's words.
    pub(super) fn parse(text: &str) -> Result<Self, ServiceError> {
        well_formed_json(text)?;
        let document =
            seatrial_template::parse_last_key_wins("template", text.as_bytes()).map_err(|error| {
                let kind = if text.trim_start().starts_with('{') { "JSON" } else { "YAML" };
                format_error(format!(
                    "{kind} not well-formed. (line {}, column {})",
                    error.line, error.column
                ))
            })?;
        let Value::Object(mut root) = document.to_json() else {
            return Err(format_error("unsupported structure."));
        };
        let unknown: Vec<_> =
            root.keys().filter(|key| !SECTIONS.contains(&key.as_str())).map(String::as_str).collect();
        if !unknown.is_empty() {
            let text = format!("Invalid template property or properties [{}]", unknown.join(", "));
            return Err(ServiceError::validation(text));
        }
        form::check(&root)?;
        let declared = section(&mut root, "Resources")?;
        if declared.is_empty() {
            return Err(format_error("At least one Resources member must be defined."));
        }
        let resources = declared.into_iter().map(|(id, value)| resource(id, value));
        Ok(Self {
            rules: section(&mut root, "Rules")?,
            resources: resources.collect::<Result<_, _>>()?,
            version: version(&root)?,
            description: text_member(&root, "Description")?,
            metadata: root.remove("Metadata"),
            transforms: transforms(root.get("Transform"))?,
            parameters: section(&mut root, "Parameters")?,
            mappings: section(&mut root, "Mappings")?,
            conditions: section(&mut root, "Conditions")?,
            outputs: section(&mut root, "Outputs")?,
        })
    }

    pub(super) fn resource(&self, logical_id: &str) -> Option<&ResourceDeclaration> {
        self.resources.iter().find(|resource| resource.logical_id == logical_id)
    }
}

/// What begins with a brace is read as JSON, which says less than YAML does.
fn well_formed_json(text: &str) -> Result<(), ServiceError> {
    if !text.trim_start().starts_with('{') {
        return Ok(());
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Err(error) if error.is_syntax() || error.is_eof() => {
            // AWS's reader stands behind the character that it stumbles at.
            let (line, column) = (error.line(), error.column() + 1);
            Err(format_error(format!("JSON not well-formed. (line {line}, column {column})")))
        }
        _ => Ok(()),
    }
}

fn section(root: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, ServiceError> {
    match root.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(format_error(format!("{name} must be an object."))),
    }
}

fn version(root: &Map<String, Value>) -> Result<Option<String>, ServiceError> {
    match root.get("AWSTemplateFormatVersion") {
        None => Ok(None),
        Some(Value::String(text)) if text == "2010-09-09" => Ok(Some(text.clone())),
        Some(_) => Err(format_error("unsupported value for AWSTemplateFormatVersion.")),
    }
}

fn text_member(root: &Map<String, Value>, name: &str) -> Result<Option<String>, ServiceError> {
    match root.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format_error(format!("every {name} member must be a string."))),
    }
}

fn names(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The names of the macros that the whole template is sent through.
fn transforms(value: Option<&Value>) -> Result<Vec<String>, ServiceError> {
    let one = |value: &Value| match value {
        Value::String(name) => Ok(name.clone()),
        Value::Object(macro_call) => macro_call
            .get("Name")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| ServiceError::validation("Key Name of transform definition must be a string.")),
        _ => Err(format_error("Transform must be a string, an object or a list.")),
    };
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(one).collect(),
        Some(value) => one(value).map(|name| vec![name]),
    }
}

fn resource(logical_id: String, value: Value) -> Result<ResourceDeclaration, ServiceError> {
    let fault = |text: &str| format_error(format!("[/Resources/{logical_id}] {text}"));
    let Value::Object(mut members) = value else {
        return Err(format_error("Any Resources member must be an object."));
    };
    if let Some(key) = members.keys().find(|key| !RESOURCE_ATTRIBUTES.contains(&key.as_str())) {
        return Err(ServiceError::validation(format!("Invalid template resource property '{key}'")));
    }
    let Some(Value::String(resource_type)) = members.remove("Type") else {
        return Err(fault("Every Resources object must contain a Type member."));
    };
    let properties = match members.remove("Properties") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(properties @ Value::Object(_)) => properties,
        Some(_) => return Err(fault("Properties must be an object.")),
    };
    let condition = match members.remove("Condition") {
        None => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(fault("Every Condition member must be a string.")),
    };
    let policy = |name: &str, value: Option<Value>| match value {
        None => Ok(None),
        Some(Value::String(text)) if is_policy(name, &text) => Ok(Some(text)),
        Some(value) => Err(format_error(format!(
            "Unrecognized {name} {} for resource {logical_id}",
            value.as_str().unwrap_or("that is no string")
        ))),
    };
    Ok(ResourceDeclaration {
        condition,
        depends_on: names(members.get("DependsOn")),
        deletion_policy: policy("DeletionPolicy", members.remove("DeletionPolicy"))?,
        update_replace_policy: policy("UpdateReplacePolicy", members.remove("UpdateReplacePolicy"))?,
        metadata: members.remove("Metadata").unwrap_or_default(),
        resource_type,
        properties,
        logical_id,
    })
}

fn is_policy(name: &str, text: &str) -> bool {
    matches!(text, "Delete" | "Retain" | "Snapshot")
        || (text == "RetainExceptOnCreate" && name == "DeletionPolicy")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Template::parse(text).unwrap_err().message
    }

    #[test]
    fn a_malformed_template_is_refused_in_cloudformations_words() {
        assert!(message("a: [").starts_with("Template format error: YAML not well-formed. (line "));
        assert_eq!(message("- a"), "Template format error: unsupported structure.");
        assert_eq!(
            message("Resources: {}"),
            "Template format error: At least one Resources member must be defined."
        );
        assert_eq!(
            message("Nope: 1\nResources: {A: {Type: AWS::S3::Bucket}}"),
            "Invalid template property or properties [Nope]"
        );
        assert_eq!(
            message("Resources: {A: {Properties: {}}}"),
            "Template format error: [/Resources/A] Every Resources object must contain a Type member."
        );
    }
}
