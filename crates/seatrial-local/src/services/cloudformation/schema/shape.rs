//! The form of a value, as a resource schema describes it, and the coercion of scalars into it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::super::pattern::Pattern;
use super::same::text_of;

/// JSON types, by the names that schemas have for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Boolean,
    Integer,
    Number,
    Null,
}

impl Kind {
    /// The most special kind of a value.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Object(_) => Self::Object,
            Value::Array(_) => Self::Array,
            Value::String(_) => Self::String,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::Null => Self::Null,
        }
    }

    /// The name that schemas have for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Null => "null",
        }
    }

    /// The name in the words of CloudFormation's validation, which is a Java library.
    pub(super) fn java_name(self) -> &'static str {
        match self {
            Self::Object => "JSONObject",
            Self::Array => "JSONArray",
            Self::String => "String",
            Self::Boolean => "Boolean",
            Self::Integer => "Integer",
            Self::Number => "Number",
            Self::Null => "Null",
        }
    }
}

/// A (sub)schema with the keywords that `models/extract_schemas.py` keeps. Objects that name properties are closed
/// unless `open` is set.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Shape {
    #[serde(rename = "type", deserialize_with = "one_or_many")]
    pub kinds: Vec<Kind>,
    #[serde(rename = "$ref")]
    pub reference: Option<String>,
    pub properties: Option<BTreeMap<String, Shape>>,
    pub pattern_properties: BTreeMap<String, Shape>,
    #[serde(rename = "additionalProperties")]
    pub open: Value,
    pub items: Option<Box<Shape>>,
    pub required: Vec<String>,
    #[serde(rename = "enum")]
    pub values: Vec<Value>,
    #[serde(rename = "enumCaseInsensitive")]
    pub values_in_any_case: Vec<Value>,
    #[serde(rename = "const")]
    pub constant: Option<Value>,
    pub pattern: Option<String>,
    #[serde(skip)]
    compiled: OnceLock<Option<Pattern>>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub exclusive_minimum: Option<f64>,
    pub exclusive_maximum: Option<f64>,
    pub min_items: Option<usize>,
    pub max_items: Option<usize>,
    pub unique_items: bool,
    pub one_of: Vec<Shape>,
    pub any_of: Vec<Shape>,
    pub all_of: Vec<Shape>,
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Kind>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(Kind),
        Many(Vec<Kind>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(kind) => vec![kind],
        OneOrMany::Many(kinds) => kinds,
    })
}

pub(super) type Definitions = BTreeMap<String, Shape>;

impl Shape {
    /// The shape itself, or the definition that it names.
    pub(super) fn resolved<'a>(&'a self, definitions: &'a Definitions) -> &'a Self {
        let mut shape = self;
        // A definition may be another's name; more than a few steps are a circle.
        for _ in 0..8 {
            match shape.reference.as_ref().and_then(|name| definitions.get(name)) {
                Some(definition) => shape = definition,
                None => break,
            }
        }
        shape
    }

    /// The compiled pattern; `None` if there is none, or one that cannot be read.
    pub(super) fn matcher(&self) -> Option<&Pattern> {
        let pattern = self.pattern.as_ref()?;
        self.compiled.get_or_init(|| Pattern::new(pattern).ok()).as_ref()
    }

    /// The shape of a member, by its name or by a pattern of names.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        if let Some(shape) = self.properties.as_ref().and_then(|properties| properties.get(name)) {
            return Some(shape);
        }
        let by_pattern = |pattern: &String| Pattern::new(pattern).is_ok_and(|pattern| pattern.finds(name));
        self.pattern_properties.iter().find(|(pattern, _)| by_pattern(pattern)).map(|(_, shape)| shape)
    }

    /// Whether members may have any name.
    pub(super) fn is_open(&self) -> bool {
        let closed = self.properties.is_some() || !self.pattern_properties.is_empty();
        !closed || self.open == Value::Bool(true) || self.open.is_object()
    }

    /// The alternatives of `oneOf`, `anyOf` and `allOf` that say something about kinds.
    fn alternatives(&self) -> impl Iterator<Item = &Self> {
        self.one_of.iter().chain(&self.any_of).chain(&self.all_of)
    }

    /// The kinds a value may have, those of alternatives included.
    fn all_kinds(&self, definitions: &Definitions) -> Vec<Kind> {
        if !self.kinds.is_empty() {
            return self.kinds.clone();
        }
        self.alternatives().flat_map(|one| one.resolved(definitions).kinds.clone()).collect()
    }

    /// Coerces every scalar in `value` into the kind that stands here: `80` and `true` into `"80"` and `"true"`
    /// where a string is wanted, and back. What cannot be coerced stays as it is.
    pub(super) fn coerce(&self, value: &mut Value, definitions: &Definitions) {
        let shape = self.resolved(definitions);
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    shape.coerce_member(name, member, definitions);
                }
            }
            Value::Array(items) => {
                let mut alternatives = shape.alternatives().map(|one| one.resolved(definitions));
                let with_items = match shape.items {
                    Some(_) => Some(shape),
                    None => alternatives.find(|one| one.items.is_some()),
                };
                let Some(below) = with_items.and_then(|shape| shape.items.as_ref()) else { return };
                items.iter_mut().for_each(|item| below.coerce(item, definitions));
            }
            scalar => {
                if let Some(coerced) = coerced(scalar, &shape.all_kinds(definitions)) {
                    *scalar = coerced;
                }
            }
        }
    }

    fn coerce_member(&self, name: &str, member: &mut Value, definitions: &Definitions) {
        if let Some(below) = self.member(name) {
            return below.coerce(member, definitions);
        }
        for alternative in self.alternatives() {
            if let Some(below) = alternative.resolved(definitions).member(name) {
                return below.coerce(member, definitions);
            }
        }
    }
}

/// The scalar as one of `kinds`, if it is none of them and can be.
fn coerced(scalar: &Value, kinds: &[Kind]) -> Option<Value> {
    let kind = Kind::of(scalar);
    let has = |kind: Kind| kinds.contains(&kind);
    if has(kind) || (kind == Kind::Integer && has(Kind::Number)) {
        return None;
    }
    match scalar {
        Value::Number(number) if has(Kind::Integer) => {
            whole(number.as_f64()?).or_else(|| has(Kind::String).then(|| text_of(scalar).into()))
        }
        Value::Number(_) | Value::Bool(_) if has(Kind::String) => Some(Value::String(text_of(scalar))),
        Value::String(text) if has(Kind::Boolean) && text.eq_ignore_ascii_case("true") => Some(true.into()),
        Value::String(text) if has(Kind::Boolean) && text.eq_ignore_ascii_case("false") => Some(false.into()),
        Value::String(text) if has(Kind::Integer) || has(Kind::Number) => number(text, has(Kind::Number)),
        _ => None,
    }
}

fn number(text: &str, fraction: bool) -> Option<Value> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    let number: f64 = text.parse().ok()?;
    whole(number).or_else(|| fraction.then(|| Number::from_f64(number).map(Value::Number)).flatten())
}

fn whole(number: f64) -> Option<Value> {
    (number.fract() == 0.0 && number.abs() < 9e15).then(|| Value::from(number as i64))
}
