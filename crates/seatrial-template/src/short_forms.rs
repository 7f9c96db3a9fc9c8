//! CloudFormation's short forms (`!Sub`) and the long forms they stand for (`Fn::Sub`).

use crate::{Entry, Mapping, Node, Resolved, Value};

/// Every tag that is a short form, rule functions included (AWS: intrinsic function reference and
/// rule-specific intrinsic functions).
const FUNCTIONS: [&str; 27] = [
    "And",
    "Base64",
    "Cidr",
    "Condition",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "Equals",
    "FindInMap",
    "GetAZs",
    "GetAtt",
    "GetStackOutput",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Ref",
    "RefAll",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
    "ValueOf",
    "ValueOfAll",
];

pub(crate) fn is_short_form(tag: &str) -> bool {
    FUNCTIONS.contains(&tag)
}

/// The same value without short forms; spans are kept. `!GetAtt a.b` and `Fn::GetAtt: a.b` both become
/// the list form, split at the first dot, since what follows an attribute's name may hold more of them.
pub fn expand(node: &Node) -> Node {
    let value = match &node.value {
        Value::Scalar(scalar) => Value::Scalar(scalar.clone()),
        Value::Sequence(items) => Value::Sequence(items.iter().map(expand).collect()),
        Value::Mapping(mapping) => Value::Mapping(expand_mapping(mapping)),
    };
    let inner = Node { tag: None, value, span: node.span };
    let Some(tag) = node.tag.as_deref() else { return inner };
    let key = match tag {
        "Ref" | "Condition" => tag.to_owned(),
        _ => format!("Fn::{tag}"),
    };
    let value = if tag == "GetAtt" { split_attribute(inner) } else { inner };
    let entries = vec![Entry { key, key_span: node.span, value }];
    Node { tag: None, value: Value::Mapping(Mapping { entries }), span: node.span }
}

fn expand_mapping(mapping: &Mapping) -> Mapping {
    // An object that holds more than the one key is data that happens to use the name.
    let is_function = mapping.entries.len() == 1;
    let entries = mapping.entries.iter().map(|entry| {
        let value = expand(&entry.value);
        let value = if is_function && entry.key == "Fn::GetAtt" { split_attribute(value) } else { value };
        Entry { key: entry.key.clone(), key_span: entry.key_span, value }
    });
    Mapping { entries: entries.collect() }
}

fn split_attribute(node: Node) -> Node {
    let Value::Scalar(scalar) = &node.value else { return node };
    if scalar.resolve() == Resolved::Null {
        return node;
    }
    let parts = scalar.text.splitn(2, '.').map(|part| Node::text(part, node.span)).collect();
    Node { tag: None, value: Value::Sequence(parts), span: node.span }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    fn long(text: &str) -> serde_json::Value {
        crate::parse("t.yml", text.as_bytes()).unwrap().to_json()
    }

    #[test]
    fn short_forms_become_long_forms_at_any_depth() {
        let json = long("a: !If [HasX, !Ref X, !Sub '${Y}-z']\nb: !Condition C\nc: !Base64\n  Fn::Sub: t");
        let expected = json!({
            "a": {"Fn::If": ["HasX", {"Ref": "X"}, {"Fn::Sub": "${Y}-z"}]},
            "b": {"Condition": "C"},
            "c": {"Fn::Base64": {"Fn::Sub": "t"}},
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn attributes_are_split_at_the_first_dot_in_every_form() {
        let json = long("a: !GetAtt A.B.C\nb: !GetAtt [A, B]\nc: {'Fn::GetAtt': A.B}\nd: !GetAtt 10");
        let expected = json!({
            "a": {"Fn::GetAtt": ["A", "B.C"]},
            "b": {"Fn::GetAtt": ["A", "B"]},
            "c": {"Fn::GetAtt": ["A", "B"]},
            "d": {"Fn::GetAtt": ["10"]},
        });
        assert_eq!(json, expected);
    }
}
