//! What services show of a resource, in the form of its properties: for `Resource::read`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::ServiceError;
use crate::tags::Tagged;

/// The answer of a describing call as a value; `None` where `missing` is the service's code for "there is
/// none".
pub(crate) fn answered<T: Serialize>(
    result: Result<T, ServiceError>,
    missing: &str,
) -> Result<Option<Value>, ServiceError> {
    match result {
        Ok(answer) => {
            let value = serde_json::to_value(answer);
            value.map(Some).map_err(|error| ServiceError::internal(error.to_string()))
        }
        Err(error) if error.code == missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// The members of these names; one that is not shown is not set.
pub(crate) fn told<const N: usize>(from: &Value, names: [&str; N]) -> Map<String, Value> {
    names.into_iter().map(|name| (name.to_owned(), from[name].clone())).collect()
}

/// Member names as properties have them, where the service writes them with a small letter.
pub(crate) fn capitalized(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(capitalized).collect(),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let mut letters = name.chars();
                let first = letters.next().map(|first| first.to_ascii_uppercase());
                (first.into_iter().chain(letters).collect::<String>(), capitalized(value))
            });
            Value::Object(members.collect())
        }
        scalar => scalar,
    }
}

/// Of the tags a service shows, those that the properties name; tags of the stack and of others are no drift.
pub(crate) fn own_tags(named: &[impl Tagged], shown: &Value) -> Value {
    let shown = shown.as_array().into_iter().flatten();
    let own = shown.filter(|tag| named.iter().any(|named| tag["Key"] == named.key()));
    own.map(|tag| json!({"Key": tag["Key"], "Value": tag["Value"]})).collect()
}

/// The same of tags that a service shows by name.
pub(crate) fn tagged(named: &[impl Tagged], shown: &Value) -> Value {
    let own = named.iter().filter_map(|tag| Some((tag.key(), shown.get(tag.key())?)));
    own.map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}
