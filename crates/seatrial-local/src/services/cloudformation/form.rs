//! The form of a template: names, limits, and what may stand where, in CloudFormation's words.
//!
//! Limits: "Understand CloudFormation quotas" in the user guide. Words as recorded on AWS where a recording is named
//! in `tests/messages.rs`.

use serde_json::{Map, Value};

use crate::error::ServiceError;

/// Section, the word for one of its members, and how many it may have.
const SECTIONS: [(&str, &str, usize); 5] = [
    ("Parameters", "Parameter", 200),
    ("Mappings", "Mapping", 200),
    ("Conditions", "Condition", usize::MAX),
    ("Resources", "Resource", 500),
    ("Outputs", "Output", 200),
];

/// Bytes of a template's description.
const DESCRIPTION_LIMIT: usize = 1024;
/// Attributes of one mapping.
const ATTRIBUTE_LIMIT: usize = 200;
/// Characters of a logical ID.
const NAME_LIMIT: usize = 255;

/// `ValidationError: Template format error: …`.
pub(super) fn format_error(text: impl std::fmt::Display) -> ServiceError {
    ServiceError::validation(format!("Template format error: {text}"))
}

/// `ValidationError: Template error: …`.
pub(super) fn template_error(text: impl std::fmt::Display) -> ServiceError {
    ServiceError::validation(format!("Template error: {text}"))
}

/// Checks what can be seen without looking at any name's meaning.
///
/// # Errors
/// `ValidationError` in CloudFormation's words.
pub(super) fn check(root: &Map<String, Value>) -> Result<(), ServiceError> {
    for (name, value) in root {
        without_null(value, &format!("/{name}"))?;
    }
    if let Some(Value::String(text)) = root.get("Description")
        && text.len() > DESCRIPTION_LIMIT
    {
        return Err(format_error(format!("'Description' length is greater than {DESCRIPTION_LIMIT}.")));
    }
    for (section, word, most) in SECTIONS {
        let Some(Value::Object(members)) = root.get(section) else { continue };
        let count = members.len();
        if count > most {
            let section = section.to_lowercase();
            let text = format!("Number of {section}, {count}, is greater than maximum allowed, {most}");
            return Err(format_error(text));
        }
        if let Some(name) = members.keys().find(|name| !is_name(name)) {
            return Err(format_error(format!("{word} name {name} is non alphanumeric.")));
        }
    }
    for (name, mapping) in root.get("Mappings").and_then(Value::as_object).into_iter().flatten() {
        check_mapping(name, mapping)?;
    }
    for (name, output) in root.get("Outputs").and_then(Value::as_object).into_iter().flatten() {
        check_output(name, output)?;
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    (1..=NAME_LIMIT).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn without_null(value: &Value, path: &str) -> Result<(), ServiceError> {
    match value {
        Value::Null => {
            Err(ServiceError::validation(format!("[{path}] 'null' values are not allowed in templates")))
        }
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| without_null(item, &format!("{path}/{index}")))
        }
        // `!GetAZs` with nothing behind it asks for those of the stack's own region.
        Value::Object(members) if members.len() == 1 && members.contains_key("Fn::GetAZs") => Ok(()),
        Value::Object(members) => {
            members.iter().try_for_each(|(name, member)| without_null(member, &format!("{path}/{name}")))
        }
        _ => Ok(()),
    }
}

fn check_mapping(name: &str, mapping: &Value) -> Result<(), ServiceError> {
    let Some(keys) = mapping.as_object() else {
        return Err(format_error(format!("Every Mappings member {name} must be a map")));
    };
    for (key, attributes) in keys {
        let Some(attributes) = attributes.as_object() else {
            return Err(format_error(format!("Every Mappings member {key} must be a map")));
        };
        if attributes.len() > ATTRIBUTE_LIMIT {
            return Err(format_error(format!(
                "Number of mapping attributes, {}, is greater than maximum allowed, {ATTRIBUTE_LIMIT}",
                attributes.len()
            )));
        }
        let is_scalar = |value: &Value| !value.is_object() && !value.is_array();
        let is_plain = |value: &Value| match value {
            Value::Array(items) => items.iter().all(is_scalar),
            value => is_scalar(value),
        };
        if !attributes.values().all(is_plain) {
            return Err(format_error("Every Mappings attribute must be a String or a List."));
        }
        if let Some(name) = attributes.keys().find(|name| !is_attribute_name(name)) {
            return Err(format_error(format!(
                "Mappings attribute name '{name}' must contain only alphanumeric characters, hyphens and periods."
            )));
        }
    }
    Ok(())
}

fn is_attribute_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

fn check_output(name: &str, output: &Value) -> Result<(), ServiceError> {
    let members = output.as_object().filter(|members| members.contains_key("Value"));
    let Some(members) = members else {
        return Err(format_error("Every Outputs member must contain a Value object"));
    };
    match members.get("Export") {
        Some(export) if export.get("Name").is_none() => Err(format_error(format!(
            "Output {name} is malformed. The Name field of every Export member must be specified and consist only \
             of alphanumeric characters, colons, or hyphens."
        ))),
        _ => Ok(()),
    }
}
