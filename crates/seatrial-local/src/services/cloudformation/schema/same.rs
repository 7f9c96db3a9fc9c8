//! Equality of property values as CloudFormation sees it.

use serde_json::Value;

/// Whether two values differ at a path below them; `*` stands for every item of a list.
pub(super) fn differ_at(old: Option<&Value>, new: Option<&Value>, path: &[&str]) -> bool {
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
pub(in super::super) fn same(old: Option<&Value>, new: Option<&Value>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => same_value(old, new),
        _ => false,
    }
}

pub(super) fn same_value(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same_value(old, new))
        }
        (Value::Object(old), Value::Object(new)) => {
            old.len() == new.len()
                && old.iter().all(|(key, old)| new.get(key).is_some_and(|new| same_value(old, new)))
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (old, new) => text_of(old) == text_of(new) || same_number(old, new),
    }
}

/// `10` and `10.0`, where one of them is a number: a template's `"10"` comes back so from a service that counts in
/// fractions.
fn same_number(old: &Value, new: &Value) -> bool {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    (old.is_f64() || new.is_f64()) && number(old).is_some_and(|old| number(new) == Some(old))
}

/// A scalar as the string CloudFormation makes of it.
pub(in super::super) fn text_of(value: &Value) -> String {
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
    fn scalars_compare_by_their_text() {
        assert!(same(Some(&json!({"Port": 80, "On": true})), Some(&json!({"Port": "80", "On": "true"}))));
        assert!(same(Some(&json!({"Threshold": "10"})), Some(&json!({"Threshold": 10.0}))));
        assert!(!same(Some(&json!("1.10")), Some(&json!("1.1"))), "versions are no numbers");
        assert!(!same(Some(&json!("10")), Some(&json!(10.5))));
        assert!(!same(Some(&json!([])), None));
    }
}
