//! The stack policy of a protected environment: the guard's rule on what holds data or is used, kept by CloudFormation
//! too, whoever updates the stack and however.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::graph::Graph;
use super::guard::is_stateful;
use super::resource_name::{ResourceName, named_of};
use super::template::StackTemplate;

/// The policy of a stack that is to be like `template`: everything may be updated, and nothing that holds data, or that
/// another node uses, may be replaced or removed, but what is `allowed`.
///
/// It names logical IDs: a statement by type could not leave out a single resource, for what one statement denies no
/// other allows (user guide, "Prevent updates to stack resources").
pub(crate) fn stack_policy(graph: &Graph, template: &StackTemplate, allowed: &[ResourceName]) -> Value {
    let used = graph.used_resources(&template.name);
    let allowed = named_of(allowed, &template.name);
    let kept = template.resources.iter().filter(|resource| {
        let id = &resource.logical_id;
        (is_stateful(&resource.kind) || used.contains_key(id)) && !allowed.contains(id)
    });
    let kept: BTreeSet<String> =
        kept.map(|resource| format!("LogicalResourceId/{}", resource.logical_id)).collect();
    let mut statements =
        vec![json!({"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"})];
    if !kept.is_empty() {
        statements.push(denial(json!(kept)));
    }
    json!({ "Statement": statements })
}

/// The most that a policy may have, in bytes; in S3 it may have no more (API reference, SetStackPolicy).
pub(crate) const LONGEST_POLICY: usize = 16_384;

/// A policy that this tool has set, closed for all that the stack holds now (logical IDs and types); `None` where it is so
/// already, or somebody else's. What it denies besides stays denied.
pub(crate) fn closed<'a>(
    set: &str,
    (graph, stack): (&Graph, &str),
    held: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<Value> {
    let mut policy: Value = serde_json::from_str(set).ok().filter(|_| is_ours(set))?;
    let used = graph.used_resources(stack);
    let kept = held.into_iter().filter(|(id, kind)| is_stateful(kind) || used.contains_key(*id));
    let kept: BTreeSet<String> = kept.map(|(id, _)| format!("LogicalResourceId/{id}")).collect();
    let denied: BTreeSet<String> = match &policy["Statement"][1]["Resource"] {
        Value::String(one) => BTreeSet::from([one.clone()]),
        several => {
            several.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        }
    };
    if kept.is_subset(&denied) {
        return None;
    }
    let all: Vec<&String> = kept.union(&denied).collect();
    policy["Statement"] = json!([policy["Statement"][0], denial(json!(all))]);
    Some(policy)
}

fn denial(resources: Value) -> Value {
    json!({"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*", "Resource": resources})
}

/// Whether a policy is one that this tool sets, for whatever template: everything is allowed, and what is denied is the
/// replacement and removal of resources by name. One that says only the first protects nothing.
pub(crate) fn is_ours(set: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(set) else { return false };
    let allowed = json!({"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"});
    let is_denial = |statement: &Value| {
        statement["Effect"] == "Deny" && statement["Action"] == json!(["Update:Replace", "Update:Delete"])
    };
    match policy["Statement"].as_array().map(Vec::as_slice) {
        Some([first]) => *first == allowed,
        Some([first, second]) => *first == allowed && is_denial(second),
        _ => false,
    }
}

/// Whether a policy that is set says the same.
pub(crate) fn is_same(set: Option<&str>, wanted: &Value) -> bool {
    set.and_then(|text| serde_json::from_str::<Value>(text).ok()).as_ref() == Some(wanted)
}
