//! The details of a change: what is targeted, and what causes it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::schema::Recreation;
use super::Difference;

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
}

impl Cause {
    /// The detail of this cause with this target.
    pub(super) fn detail(&self, target: &Value) -> Value {
        let (source, dynamic, entity) = match self {
            Self::Direct { dynamic } => ("DirectModification", *dynamic, None),
            Self::Parameter(key) => ("ParameterReference", false, Some(key)),
            Self::Reference { id, dynamic } => ("ResourceReference", *dynamic, Some(id)),
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
