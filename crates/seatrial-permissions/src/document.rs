//! A policy document in parts, each of which can be taken out.

use serde_json::Value;

/// What can be taken out of a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    Action(String),
    /// As it stands in the role's policy: placeholders are filled.
    Resource(String),
    /// A service that a trust policy names.
    Service(String),
    /// All of it.
    Statement,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// From 0.
    pub statement: usize,
    pub element: Element,
}

/// Everything that allows something: of each statement its actions, its resources or services, and itself. Statements
/// that deny have no parts: without one more is allowed, not less.
pub fn parts(document: &Value) -> Vec<Part> {
    let mut parts = Vec::new();
    for (index, statement) in statements(document).iter().enumerate() {
        if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
            continue;
        }
        let services = statement.get("Principal").map_or_else(Vec::new, |named| texts(named.get("Service")));
        let elements = texts(statement.get("Action")).into_iter().map(Element::Action);
        let elements = elements.chain(texts(statement.get("Resource")).into_iter().map(Element::Resource));
        let elements = elements.chain(services.into_iter().map(Element::Service));
        let elements = elements.chain([Element::Statement]);
        parts.extend(elements.map(|element| Part { statement: index, element }));
    }
    parts
}

/// The document without a part; `None` where nothing is left of it. A statement that loses its last action, resource or
/// service is gone.
pub fn without(document: &Value, part: &Part) -> Option<Value> {
    let mut statements = statements(document);
    let statement = statements.get_mut(part.statement)?;
    let is_left = match &part.element {
        Element::Statement => false,
        Element::Action(text) => leaves(statement.get_mut("Action"), text),
        Element::Resource(text) => leaves(statement.get_mut("Resource"), text),
        Element::Service(text) => {
            leaves(statement.get_mut("Principal").and_then(|named| named.get_mut("Service")), text)
        }
    };
    if !is_left {
        statements.remove(part.statement);
    }
    with_statements(document, statements)
}

/// The document with one of its statements alone.
pub(crate) fn only(document: &Value, statement: usize) -> Option<Value> {
    let kept = statements(document).into_iter().nth(statement)?;
    with_statements(document, vec![kept])
}

fn with_statements(document: &Value, statements: Vec<Value>) -> Option<Value> {
    if statements.is_empty() {
        return None;
    }
    let mut document = document.clone();
    document.as_object_mut()?.insert("Statement".to_owned(), Value::Array(statements));
    Some(document)
}

/// One statement may stand without its list.
pub(crate) fn statements(document: &Value) -> Vec<Value> {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => Vec::new(),
    }
}

/// One text, or a list of them.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Takes `text` out of one text or a list of them; whether anything is left.
fn leaves(value: Option<&mut Value>, text: &str) -> bool {
    match value {
        Some(Value::Array(items)) => {
            items.retain(|item| item.as_str() != Some(text));
            !items.is_empty()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_is_taken_out_and_what_has_none_left_goes_with_it() {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::a/*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
        ]});
        let found = parts(&document);
        assert_eq!(found.len(), 4, "{found:?}");
        let left = |index: usize| without(&document, &found[index]).unwrap();
        assert_eq!(left(0)["Statement"][0]["Action"], json!(["s3:PutObject"]));
        for whole in [2, 3] {
            assert_eq!(left(whole)["Statement"].as_array().unwrap().len(), 1, "{:?}", found[whole]);
        }
        let trust = json!({"Statement": {
            "Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"
        }});
        assert!(parts(&trust).iter().all(|part| without(&trust, part).is_none()), "{:?}", parts(&trust));
    }
}
