//! Values of elements as IAM takes them: one text, or a list of them.

use serde_json::Value;

use crate::error::Fault;

/// What IAM answers to whatever does not follow its grammar.
pub(crate) const SYNTAX: &str = "Syntax errors in policy.";

/// A text or a list of them; an empty list is refused.
pub(crate) fn texts<'a>(name: &str, value: &'a Value) -> Result<Vec<&'a str>, Fault> {
    let texts = match value {
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        value => value.as_str().map(|value| vec![value]),
    };
    let fault = || Fault::new(name, format!("must be a text, or a list of at least one: {SYNTAX}"));
    texts.filter(|texts| !texts.is_empty()).ok_or_else(fault)
}

/// The text of a value in a condition: quotation marks are optional for numbers and booleans (AWS: Grammar of the IAM
/// JSON policy language).
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
