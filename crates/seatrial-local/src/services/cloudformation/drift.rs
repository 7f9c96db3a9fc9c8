//! What is really there beside what a template names: the comparison behind drift detection and drift-aware
//! change sets.
//!
//! Only what the template names counts: what a service fills in beside it is no drift (CloudFormation's guide,
//! "Detect unmanaged configuration changes"). A handler tells null for a property that is not set in reality,
//! and leaves out what its service never shows: such a property cannot be compared.

use serde_json::{Map, Value, json};

use super::schema::{same, text_of};

/// A resource as its service shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Live {
    /// The type has no way to be read.
    Unreadable,
    Gone,
    /// Its properties.
    There(Value),
}

/// One property that is not as the template says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PropertyDifference {
    /// `/DefaultActions/0/TargetGroupArn`.
    pub path: String,
    pub expected: Option<Value>,
    pub actual: Option<Value>,
}

impl PropertyDifference {
    /// In the form of `DescribeStackResourceDrifts`.
    pub(super) fn shown(&self) -> Value {
        let kind = match (&self.expected, &self.actual) {
            (_, None) => "REMOVE",
            (None, _) => "ADD",
            _ => "NOT_EQUAL",
        };
        let text = |value: &Option<Value>| value.as_ref().map_or("null".to_owned(), shown_value);
        json!({
            "PropertyPath": self.path,
            "ExpectedValue": text(&self.expected),
            "ActualValue": text(&self.actual),
            "DifferenceType": kind,
        })
    }
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => value.to_string(),
        scalar => text_of(scalar),
    }
}

/// The properties that are named and told: what is compared, as it should be and as it is.
pub(super) fn compared(named: &Value, actual: &Value) -> (Value, Value) {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let actual = members(actual);
    let mut expected = members(named);
    expected.retain(|name, _| actual.contains_key(name));
    let mut found = Map::new();
    for (name, named) in &expected {
        let told = actual.get(name).filter(|told| !told.is_null());
        found.extend(told.map(|told| (name.clone(), view(named, told))));
    }
    (Value::Object(expected), Value::Object(found))
}

/// The named properties that the service never shows.
pub(super) fn untold<'a>(named: &'a Value, actual: &'a Value) -> impl Iterator<Item = &'a String> {
    let named = named.as_object().into_iter().flat_map(Map::keys);
    named.filter(|name| actual.get(name.as_str()).is_none())
}

/// What `actual` says of what `named` names. Lists that hold the same in another order count as named.
pub(super) fn view(named: &Value, actual: &Value) -> Value {
    match (named, actual) {
        (Value::Object(names), Value::Object(members)) => {
            let told = names.iter().filter_map(|(name, named)| {
                let told = members.get(name).filter(|told| !told.is_null())?;
                Some((name.clone(), view(named, told)))
            });
            Value::Object(told.collect())
        }
        (Value::Array(names), Value::Array(items)) => {
            if same_items(names, items) {
                return named.clone();
            }
            let viewed = items.iter().enumerate().map(|(index, item)| match names.get(index) {
                Some(named) => view(named, item),
                None => item.clone(),
            });
            viewed.collect()
        }
        // A policy may be given as text; services tell it as a document.
        (Value::String(text), Value::Object(_)) => match serde_json::from_str::<Value>(text) {
            Ok(document) if same(Some(&document), Some(&view(&document, actual))) => named.clone(),
            _ => actual.clone(),
        },
        (named, actual) if same(Some(named), Some(actual)) => named.clone(),
        // One item stands for a list of one, as in policies.
        (named, Value::Array(items)) if items.len() == 1 && !named.is_array() => {
            let viewed = view(named, &items[0]);
            if same(Some(named), Some(&viewed)) { viewed } else { actual.clone() }
        }
        _ => actual.clone(),
    }
}

fn same_items(names: &[Value], items: &[Value]) -> bool {
    let mut left: Vec<&Value> = items.iter().collect();
    names.len() == items.len()
        && names.iter().all(|named| {
            let found = left.iter().position(|item| same(Some(named), Some(&view(named, item))));
            found.map(|index| left.swap_remove(index)).is_some()
        })
}

/// What differs between the two sides of [`compared`].
pub(super) fn differences(expected: &Value, actual: &Value) -> Vec<PropertyDifference> {
    let mut found = Vec::new();
    descend(String::new(), Some(expected), Some(actual), &mut found);
    found
}

fn descend(
    path: String,
    expected: Option<&Value>,
    actual: Option<&Value>,
    found: &mut Vec<PropertyDifference>,
) {
    if same(expected, actual) {
        return;
    }
    match (expected, actual) {
        (Some(Value::Object(names)), Some(Value::Object(members))) => {
            for (name, named) in names {
                descend(format!("{path}/{name}"), Some(named), members.get(name), found);
            }
        }
        (Some(Value::Array(names)), Some(Value::Array(items))) => {
            for index in 0..names.len().max(items.len()) {
                descend(format!("{path}/{index}"), names.get(index), items.get(index), found);
            }
        }
        _ => {
            found.push(PropertyDifference { path, expected: expected.cloned(), actual: actual.cloned() });
        }
    }
}

/// What both templates name, for a view that shows what either would change.
pub(super) fn union(before: &Value, after: &Value) -> Value {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let mut all = old.clone();
            for (name, value) in new {
                let value = old.get(name).map_or_else(|| value.clone(), |old| union(old, value));
                all.insert(name.clone(), value);
            }
            Value::Object(all)
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).map(|(old, new)| union(old, new)).collect()
        }
        (_, after) => after.clone(),
    }
}

/// What counts as in effect before a drift-aware update: what the service shows of all that the deployed
/// properties or the wanted ones name; as deployed what it does not show, and what AWS changes by itself while
/// the template leaves it as it is.
pub(super) fn seen(resource_type: &str, deployed: &Value, wanted: &Value, actual: &Value) -> Value {
    let mut seen = Map::new();
    for (name, named) in union(deployed, wanted).as_object().into_iter().flatten() {
        let before = deployed.get(name);
        let kept = is_managed(resource_type, name) && same(before, wanted.get(name));
        let value = match actual.get(name) {
            Some(told) if !kept => (!told.is_null()).then(|| view(named, told)),
            _ => before.cloned(),
        };
        seen.extend(value.map(|value| (name.clone(), value)));
    }
    Value::Object(seen)
}

/// What AWS itself changes in operation, of the types served here (CloudFormation's guide, "Using drift-aware
/// change sets"): scaling and minor upgrades.
pub(super) fn is_managed(resource_type: &str, name: &str) -> bool {
    matches!(
        (resource_type, name),
        ("AWS::ECS::Service", "DesiredCount")
            | ("AWS::RDS::DBInstance", "EngineVersion" | "AllocatedStorage")
            | ("AWS::ApplicationAutoScaling::ScalableTarget", "MinCapacity" | "MaxCapacity")
    )
}

/// The properties to put back if an update fails: those that were deployed, and where the service shows
/// another value, all of that one.
pub(super) fn in_effect(deployed: &Value, actual: &Value) -> Value {
    let mut properties = deployed.as_object().cloned().unwrap_or_default();
    for (name, told) in actual.as_object().into_iter().flatten() {
        let Some(named) = properties.get(name) else { continue };
        if told.is_null() {
            properties.shift_remove(name);
        } else if !same(Some(named), Some(&view(named, told))) {
            properties.insert(name.clone(), told.clone());
        }
    }
    Value::Object(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(named: Value, actual: Value) -> Vec<(String, String)> {
        let (expected, found) = compared(&named, &actual);
        let all = differences(&expected, &found);
        all.iter()
            .map(|one| (one.path.clone(), one.shown()["DifferenceType"].as_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn only_what_is_named_and_told_is_compared() {
        let named = json!({"Port": "80", "Password": "p", "Actions": [{"Type": "forward", "Group": "a"}]});
        let actual =
            json!({"Port": 80, "Arn": "x", "Actions": [{"Type": "forward", "Group": "a", "Order": 1}]});
        assert_eq!(paths(named.clone(), actual.clone()), []);
        assert_eq!(untold(&named, &actual).collect::<Vec<_>>(), ["Password"]);
    }

    #[test]
    fn what_is_changed_added_and_gone_is_told_with_its_path() {
        let named = json!({"A": {"B": 1, "C": 2}, "L": ["x"], "Gone": true});
        let actual = json!({"A": {"B": 3}, "L": ["x", "y"], "Gone": null});
        let expected = [("/A/B", "NOT_EQUAL"), ("/A/C", "REMOVE"), ("/L/1", "ADD"), ("/Gone", "REMOVE")];
        let expected = expected.map(|(path, kind)| (path.to_owned(), kind.to_owned()));
        assert_eq!(paths(named, actual), expected);
    }

    #[test]
    fn the_order_of_a_list_and_a_policy_as_text_are_no_difference() {
        let named = json!({"L": [{"K": 1}, {"K": 2}], "Policy": "{\"Action\": \"a\"}", "One": "x"});
        let actual = json!({"L": [{"K": 2, "M": 0}, {"K": 1}], "Policy": {"Action": ["a"]}, "One": ["x"]});
        assert_eq!(paths(named, actual), []);
    }

    #[test]
    fn what_is_put_back_is_what_was_there_with_all_that_the_service_tells_of_it() {
        let deployed = json!({"Actions": [{"Group": "a"}], "Port": 80, "Secret": "s", "Off": 1});
        let actual = json!({"Actions": [{"Forward": ["b"]}], "Port": 80, "Off": null, "Arn": "x"});
        let expected = json!({"Actions": [{"Forward": ["b"]}], "Port": 80, "Secret": "s"});
        assert_eq!(in_effect(&deployed, &actual), expected);
    }
}
