//! The value of a variable of the application: a text, or an output of a stack.

use std::fmt;

use seatrial_template::AS_WRITTEN;
use serde::{Deserialize, Deserializer, de};

use super::rules::OutputName;

/// As the file says it.
#[derive(Debug, Clone)]
pub(super) enum VariableValue {
    /// Exactly as it was typed.
    Text(String),
    /// What a stack has under this name among its outputs.
    Output(OutputName),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfAStack {
    output: OutputName,
}

impl<'de> Deserialize<'de> for VariableValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(AS_WRITTEN, Form)
    }
}

struct Form;

impl<'de> de::Visitor<'de> for Form {
    type Value = VariableValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or `{output: NAME}`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<VariableValue, E> {
        Ok(VariableValue::Text(text.to_owned()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, entries: A) -> Result<VariableValue, A::Error> {
        let OfAStack { output } = OfAStack::deserialize(de::value::MapAccessDeserializer::new(entries))?;
        Ok(VariableValue::Output(output))
    }
}
