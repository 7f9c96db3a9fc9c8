//! Scalars as text: in forms, XML, headers and query strings.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Number, Value};

use super::model::Kind;
use super::time;

/// A scalar's text.
pub(super) fn of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The scalar of this kind that a text stands for.
pub(super) fn parse(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::String => Some(Value::String(text.to_owned())),
        Kind::Boolean => match text {
            "true" | "True" | "TRUE" => Some(Value::Bool(true)),
            "false" | "False" | "FALSE" => Some(Value::Bool(false)),
            _ => None,
        },
        Kind::Integer => text.parse::<i32>().ok().map(Value::from),
        Kind::Long => text.parse::<i64>().ok().map(Value::from),
        Kind::Float | Kind::Double => Number::from_f64(text.parse().ok()?).map(Value::Number),
        Kind::Timestamp => time::parse(text),
        Kind::Blob => BASE64_STANDARD.decode(text).ok().map(|_| Value::String(text.to_owned())),
        Kind::Structure | Kind::List | Kind::Map => None,
    }
}
