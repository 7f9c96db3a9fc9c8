//! What CloudFormation knows of resource types: the table `models/resource-schemas.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One resource type. Paths are as in CloudFormation's schemas, without `/properties/`: `Endpoint/Address`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Schema {
    properties: BTreeMap<String, String>,
    required: Vec<String>,
    create_only: Vec<String>,
    conditional_create_only: Vec<String>,
    read_only: Vec<String>,
    identifier: Vec<String>,
    /// Whether the stack's tags reach it.
    pub taggable: bool,
}

#[derive(Deserialize)]
struct Schemas {
    types: BTreeMap<String, Schema>,
}

static SCHEMAS: LazyLock<BTreeMap<String, Schema>> = LazyLock::new(|| {
    let text = include_str!("../../../models/resource-schemas.json");
    match serde_json::from_str::<Schemas>(text) {
        Ok(schemas) => with_test_types(schemas.types),
        Err(error) => {
            tracing::error!(%error, "the table of resource schemas cannot be read");
            BTreeMap::new()
        }
    }
});

#[cfg(not(test))]
fn with_test_types(types: BTreeMap<String, Schema>) -> BTreeMap<String, Schema> {
    types
}

#[cfg(test)]
fn with_test_types(mut types: BTreeMap<String, Schema>) -> BTreeMap<String, Schema> {
    let names = ["Name", "Fails", "FailsUpdate", "FailsDelete", "Needs", "Hangs", "Other", "Arn"];
    let schema = Schema {
        properties: names.iter().map(|name| ((*name).to_owned(), "any".to_owned())).collect(),
        create_only: vec!["Name".to_owned()],
        read_only: vec!["Arn".to_owned()],
        taggable: true,
        ..Schema::default()
    };
    types.insert("Test::Local::Thing".to_owned(), schema);
    types
}

/// What a change of a property does to the physical resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Recreation {
    Never,
    Conditionally,
    Always,
}

impl Recreation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::Conditionally => "Conditionally",
            Self::Always => "Always",
        }
    }
}

/// The schema of a type, if the table has it.
pub(super) fn of(resource_type: &str) -> Option<&'static Schema> {
    SCHEMAS.get(resource_type)
}

impl Schema {
    /// Whether the change of the top-level property `name` from `old` to `new` replaces the resource.
    pub(super) fn recreation(&self, name: &str, old: Option<&Value>, new: Option<&Value>) -> Recreation {
        let touches = |paths: &[String]| {
            paths.iter().any(|path| {
                let mut steps = path.split('/');
                steps.next() == Some(name) && differ_at(old, new, &steps.collect::<Vec<_>>())
            })
        };
        if touches(&self.create_only) {
            Recreation::Always
        } else if touches(&self.conditional_create_only) {
            Recreation::Conditionally
        } else {
            Recreation::Never
        }
    }

    /// Whether `Fn::GetAtt` may name this attribute: a read-only path, or a property.
    pub(super) fn has_attribute(&self, attribute: &str) -> bool {
        let path = attribute.replace('.', "/");
        let top = path.split('/').next().unwrap_or_default();
        self.properties.contains_key(top) || self.read_only.contains(&path)
    }

    /// What identifies a resource of this type when it is imported.
    pub(super) fn identifiers(&self) -> &[String] {
        &self.identifier
    }

    /// What is wrong with the properties at their top level: unknown, missing, read-only, of the wrong kind.
    /// `values_known` is false while intrinsic functions stand in for values.
    pub(super) fn faults(&self, properties: &Map<String, Value>, values_known: bool) -> Vec<PropertyFault> {
        let mut faults = Vec::new();
        for (name, value) in properties {
            match self.properties.get(name) {
                None => faults.push(PropertyFault::Unknown(name.clone())),
                Some(_) if self.read_only.contains(name) => {
                    faults.push(PropertyFault::ReadOnly(name.clone()))
                }
                Some(kind) if values_known && !fits(kind, value) => {
                    faults.push(PropertyFault::Kind { name: name.clone(), expected: kind.clone() });
                }
                Some(_) => {}
            }
        }
        let missing = self.required.iter().filter(|name| !properties.contains_key(*name));
        faults.extend(missing.cloned().map(PropertyFault::Missing));
        faults
    }
}

/// One thing wrong with a resource's properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PropertyFault {
    Unknown(String),
    Missing(String),
    ReadOnly(String),
    Kind { name: String, expected: String },
}

impl std::fmt::Display for PropertyFault {
    /// In the words of CloudFormation's schema validation.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "#: extraneous key [{name}] is not permitted"),
            Self::Missing(name) => write!(f, "#: required key [{name}] not found"),
            Self::ReadOnly(name) => write!(f, "#: read-only key [{name}] is not permitted"),
            Self::Kind { name, expected } => write!(f, "#/{name}: expected type: {}", java_name(expected)),
        }
    }
}

fn java_name(kind: &str) -> &str {
    match kind {
        "object" => "JSONObject",
        "array" => "JSONArray",
        other => other,
    }
}

/// Scalars are coerced into each other, as CloudFormation does; structures are not.
fn fits(kind: &str, value: &Value) -> bool {
    kind.split('|').any(|kind| match (kind, value) {
        ("any", _) => true,
        ("object", Value::Object(_)) | ("array", Value::Array(_)) => true,
        ("object" | "array", _) => false,
        ("boolean", Value::String(text)) => matches!(text.as_str(), "true" | "false" | "True" | "False"),
        ("integer" | "number", Value::String(text)) => text.parse::<f64>().is_ok(),
        (_, value) => !matches!(value, Value::Object(_) | Value::Array(_)),
    })
}

/// Whether two values differ at a path below them; `*` stands for every item of a list.
fn differ_at(old: Option<&Value>, new: Option<&Value>, path: &[&str]) -> bool {
    let Some((step, rest)) = path.split_first() else { return !same(old, new) };
    if *step == "*" {
        let items = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        let (old, new) = (items(old), items(new));
        return (0..old.len().max(new.len())).any(|index| differ_at(old.get(index), new.get(index), rest));
    }
    let below = |value: Option<&'_ Value>| value.and_then(|value| value.get(step)).cloned();
    differ_at(below(old).as_ref(), below(new).as_ref(), rest)
}

/// Equality as CloudFormation sees it: `80` and `"80"` are the same, and an absent value is not an empty one.
pub(super) fn same(old: Option<&Value>, new: Option<&Value>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => same_value(old, new),
        _ => false,
    }
}

fn same_value(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same_value(old, new))
        }
        (Value::Object(old), Value::Object(new)) => {
            old.len() == new.len()
                && old.iter().all(|(key, old)| new.get(key).is_some_and(|new| same_value(old, new)))
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (old, new) => text_of(old) == text_of(new),
    }
}

/// A scalar as the string CloudFormation makes of it.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_create_only_property_replaces_and_others_do_not() {
        let schema = of("AWS::S3::Bucket").unwrap();
        let (one, two) = (json!("one"), json!("two"));
        assert_eq!(schema.recreation("BucketName", Some(&one), Some(&two)), Recreation::Always);
        assert_eq!(schema.recreation("BucketName", Some(&one), None), Recreation::Always);
        assert_eq!(schema.recreation("Tags", Some(&one), Some(&two)), Recreation::Never);
    }

    #[test]
    fn unknown_missing_and_misshapen_properties_are_found() {
        let schema = of("AWS::EC2::SecurityGroup").unwrap();
        let properties = json!({"Nope": 1, "SecurityGroupIngress": "all"});
        let faults: Vec<_> =
            schema.faults(properties.as_object().unwrap(), true).iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "#: extraneous key [Nope] is not permitted",
                "#/SecurityGroupIngress: expected type: JSONArray",
                "#: required key [GroupDescription] not found",
            ]
        );
    }

    #[test]
    fn scalars_compare_by_their_text() {
        assert!(same(Some(&json!({"Port": 80, "On": true})), Some(&json!({"Port": "80", "On": "true"}))));
        assert!(!same(Some(&json!([])), None));
    }
}
