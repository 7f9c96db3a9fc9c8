//! Values as a change set shows them with `IncludePropertyValues`: the context of a resource before and after,
//! and each value that differs, with its path.
//!
//! CloudFormation shows every scalar as a string and every structure as JSON text; it descends into objects
//! and lists, and shows a policy document whole (from its guide's example of a network interface, and from
//! change sets of IAM roles seen in accounts).

use serde_json::{Map, Value};

use super::super::evaluate::Parameter;
use super::super::schema::{same, text_of};

/// One value that differs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Edit {
    /// The steps below the resource, `Properties` not among them.
    pub path: Vec<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl Edit {
    /// `/Properties/Tags/0/Value`.
    pub(super) fn path_text(&self) -> String {
        format!("/Properties/{}", self.path.join("/"))
    }

    /// `Add`, `Remove` or `Modify`.
    pub(super) fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "Add",
            (_, None) => "Remove",
            _ => "Modify",
        }
    }
}

/// The values that differ below the property `name`.
pub(super) fn edits(name: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<Edit> {
    let mut found = Vec::new();
    descend(&mut vec![name.to_owned()], before, after, &mut found);
    found
}

fn descend(path: &mut Vec<String>, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Edit>) {
    if same(before, after) {
        return;
    }
    let whole = path.last().is_some_and(|name| name.ends_with("PolicyDocument"));
    let steps: Vec<String> = match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) if !whole => {
            let new = after.keys().filter(|key| !before.contains_key(*key));
            before.keys().chain(new).cloned().collect()
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if !whole => {
            (0..before.len().max(after.len())).map(|index| index.to_string()).collect()
        }
        _ => {
            let edit = Edit { path: path.clone(), before: before.cloned(), after: after.cloned() };
            found.push(edit);
            return;
        }
    };
    for step in steps {
        path.push(step.clone());
        descend(path, below(before, &step), below(after, &step), found);
        path.pop();
    }
}

/// The value one step below.
pub(super) fn below<'a>(value: Option<&'a Value>, step: &str) -> Option<&'a Value> {
    match value? {
        Value::Object(members) => members.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

/// What must not be told: the values of `NoEcho` parameters, before and after.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn of<'a>(parameters: impl IntoIterator<Item = &'a Parameter>) -> Self {
        let hidden = parameters.into_iter().filter(|one| one.no_echo && !one.value.is_empty());
        Self(hidden.map(|one| one.value.clone()).collect())
    }

    fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "****"))
    }

    /// The value with every scalar as a string, as CloudFormation shows it.
    pub(super) fn shown(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.shown(item)).collect(),
            Value::Object(members) => {
                let shown = members.iter().map(|(key, member)| (key.clone(), self.shown(member)));
                Value::Object(shown.collect())
            }
            scalar => Value::String(self.hide(&text_of(scalar))),
        }
    }

    /// The same as one string: JSON text for a structure.
    pub(super) fn text(&self, value: &Value) -> String {
        match self.shown(value) {
            Value::String(text) => text,
            structure => structure.to_string(),
        }
    }
}

/// A resource's context: its properties, and what else its declaration says.
pub(super) fn context(
    secrets: &Secrets,
    properties: &Value,
    metadata: &Value,
    policies: [(&str, Option<&String>); 2],
) -> String {
    let mut context = Map::new();
    context.insert("Properties".to_owned(), secrets.shown(properties));
    if !metadata.is_null() {
        context.insert("Metadata".to_owned(), secrets.shown(metadata));
    }
    for (name, policy) in policies {
        context.extend(policy.map(|policy| (name.to_owned(), Value::String(policy.clone()))));
    }
    Value::Object(context).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_value_that_differs_is_told_with_its_path() {
        let before = json!({"Rules": [{"Port": 1, "Cidr": "a"}], "Off": false, "PolicyDocument": {"S": [1]}});
        let after = json!({"Rules": [{"Port": "1", "Cidr": "b"}, {"Port": 2}], "PolicyDocument": {"S": [2]}});
        let found = edits("All", Some(&before), Some(&after));
        let told: Vec<_> = found.iter().map(|edit| (edit.path_text(), edit.kind())).collect();
        let expected = [
            ("/Properties/All/Rules/0/Cidr".to_owned(), "Modify"),
            ("/Properties/All/Rules/1".to_owned(), "Add"),
            ("/Properties/All/Off".to_owned(), "Remove"),
            ("/Properties/All/PolicyDocument".to_owned(), "Modify"),
        ];
        assert_eq!(told, expected);
    }
}
