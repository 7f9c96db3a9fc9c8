//! The details of a change: what is targeted, and what causes it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::schema::Recreation;
use super::Difference;
use super::values::below;

/// Why a value changes, as `ChangeSource` and `Evaluation` tell it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The template was edited, or a parameter or resource has another value: then `Dynamic`.
    Direct {
        dynamic: bool,
    },
    Parameter(String),
    Reference {
        id: String,
        dynamic: bool,
    },
    /// `LogicalId.Attribute`.
    Attribute {
        entity: String,
        dynamic: bool,
    },
    /// Nothing in the template: what is really there is not what was deployed.
    Drift,
}

impl Cause {
    /// The detail of this cause with this target.
    pub(super) fn detail(&self, target: &Value) -> Value {
        let (source, dynamic, entity) = match self {
            Self::Direct { dynamic } => ("DirectModification", *dynamic, None),
            Self::Parameter(key) => ("ParameterReference", false, Some(key)),
            Self::Reference { id, dynamic } => ("ResourceReference", *dynamic, Some(id)),
            Self::Drift => ("NoModification", false, None),
            Self::Attribute { entity, dynamic } => ("ResourceAttribute", *dynamic, Some(entity)),
        };
        let evaluation = if dynamic { "Dynamic" } else { "Static" };
        let mut detail = json!({"Target": target, "Evaluation": evaluation, "ChangeSource": source});
        if let Some(entity) = entity {
            detail["CausingEntity"] = json!(entity);
        }
        detail
    }
}

/// What a change of the top-level property `name` targets.
pub(super) fn target(name: &str, recreation: Recreation) -> Value {
    json!({"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation.name()})
}

/// What a change of `Metadata`, of a policy or of the stack's tags targets.
pub(super) fn other_target(attribute: &str) -> Value {
    json!({"Attribute": attribute, "RequiresRecreation": "Never"})
}

/// The details of the policies that differ.
pub(super) fn policies(difference: &Difference) -> Vec<Value> {
    let direct = Cause::Direct { dynamic: false };
    difference.policies.iter().map(|attribute| direct.detail(&other_target(attribute))).collect()
}

/// `True`, `False` or `Conditional`.
pub(super) fn replacement(details: &[Value]) -> &'static str {
    let any = |fits: &dyn Fn(&Value) -> bool| details.iter().any(fits);
    let recreates = |detail: &Value, how: &str| detail["Target"]["RequiresRecreation"] == how;
    if any(&|detail| recreates(detail, "Always") && detail["Evaluation"] == "Static") {
        "True"
    } else if any(&|detail| !recreates(detail, "Never")) {
        "Conditional"
    } else {
        "False"
    }
}

/// The attributes that the details target.
pub(super) fn scope(details: &[Value]) -> BTreeSet<&str> {
    details.iter().filter_map(|detail| detail["Target"]["Attribute"].as_str()).collect()
}

/// The expression at a path of evaluated values; where a function stands on the way, that function.
pub(super) fn expression_at<'a>(properties: &'a Value, path: &[String]) -> Option<&'a Value> {
    let mut at = properties;
    for step in path {
        let is_call = at.as_object().filter(|members| members.len() == 1).is_some_and(|members| {
            members.keys().all(|name| name == "Ref" || name == "Condition" || name.starts_with("Fn::"))
        });
        if is_call {
            break;
        }
        at = below(Some(at), step)?;
    }
    Some(at)
}

/// A `ResourceChange` without details.
pub(super) fn head(action: &str, id: &str, resource_type: &str, physical_id: Option<&str>) -> Value {
    let mut head = json!({"Action": action, "LogicalResourceId": id});
    if let Some(physical_id) = physical_id {
        head["PhysicalResourceId"] = json!(physical_id);
    }
    head["ResourceType"] = json!(resource_type);
    head["Scope"] = json!([]);
    head["Details"] = json!([]);
    head
}
