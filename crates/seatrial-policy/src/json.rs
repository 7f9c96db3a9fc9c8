//! JSON in which no object has a name twice.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::PolicyError;

/// Reads `text`. serde_json alone would let the last of two equal names win, where IAM refuses them (AWS:
/// Troubleshoot IAM policies, "More than one JSON policy element").
///
/// # Errors
/// No JSON, something after it, nested deeper than 128, or a name twice in one object: with line and column, from 1.
pub(crate) fn read(text: &str) -> Result<Value, PolicyError> {
    serde_json::from_str::<Unique>(text).map(|unique| unique.0).map_err(|error| PolicyError::Json {
        line: error.line(),
        column: error.column(),
        message: error.to_string(),
    })
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Unique)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, Unique(value))) = entries.next_entry::<String, Unique>()? {
            if all.contains_key(&name) {
                return Err(de::Error::custom(format!("`{name}` stands twice in one object")));
            }
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}
