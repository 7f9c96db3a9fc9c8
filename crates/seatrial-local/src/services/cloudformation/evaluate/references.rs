//! What a value with intrinsic functions refers to.

use serde_json::Value;

use std::collections::BTreeMap;

/// One reference found in a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Reference {
    /// `Ref`, or `${Name}` in `Fn::Sub`.
    Ref(String),
    /// `Fn::GetAtt`, or `${Name.Attribute}` in `Fn::Sub`.
    Attribute(String, String),
    /// The condition of an `Fn::If`.
    Condition(String),
    /// The mapping of an `Fn::FindInMap`, where it is a literal.
    Mapping(String),
}

/// All references in `value`. With `conditions` only the branches that are taken are looked at.
pub(in super::super) fn references(
    value: &Value,
    conditions: Option<&BTreeMap<String, bool>>,
) -> Vec<Reference> {
    let mut walk = Walk { conditions, found: Vec::new() };
    walk.value(value);
    walk.found
}

/// `Ref` or `Fn::…` and its argument, if the value is a call of an intrinsic function.
pub(super) fn call(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, argument) = object.iter().next()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// A piece of the text of `Fn::Sub`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// The inside of `${…}`.
    Variable(&'a str),
}

/// Splits the text of `Fn::Sub`; `${!Literal}` becomes the texts `${` and `Literal}`.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}').map(|end| start + end) else { break };
        let inside = &rest[start + 2..end];
        match inside.strip_prefix('!') {
            Some(literal) => {
                pieces.push(Piece::Text(&rest[..start + 2]));
                let from = end - literal.len();
                pieces.push(Piece::Text(&rest[from..=end]));
            }
            None => {
                pieces.push(Piece::Text(&rest[..start]));
                pieces.push(Piece::Variable(inside.trim()));
            }
        }
        rest = &rest[end + 1..];
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

struct Walk<'a> {
    conditions: Option<&'a BTreeMap<String, bool>>,
    found: Vec<Reference>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value) {
        match call(value) {
            Some((name, argument)) => self.call(name, argument),
            None => match value {
                Value::Array(items) => items.iter().for_each(|item| self.value(item)),
                Value::Object(members) => members.values().for_each(|member| self.value(member)),
                _ => {}
            },
        }
    }

    fn call(&mut self, name: &str, argument: &Value) {
        match (name, argument) {
            ("Ref", Value::String(target)) => self.found.push(Reference::Ref(target.clone())),
            ("Fn::GetAtt", Value::Array(parts)) => self.attribute(parts),
            ("Fn::Sub", Value::String(text)) => self.sub(text, None),
            ("Fn::Sub", Value::Array(parts)) => {
                if let [Value::String(text), variables] = parts.as_slice() {
                    self.sub(text, Some(variables));
                    self.value(variables);
                }
            }
            ("Fn::If", Value::Array(parts)) => self.choice(parts),
            ("Fn::FindInMap", Value::Array(parts)) => {
                if let Some(Value::String(name)) = parts.first() {
                    self.found.push(Reference::Mapping(name.clone()));
                }
                parts.iter().for_each(|part| self.value(part));
            }
            (_, argument) => self.value(argument),
        }
    }

    fn attribute(&mut self, parts: &[Value]) {
        if let [Value::String(target), attribute] = parts {
            let attribute = attribute.as_str().unwrap_or_default().to_owned();
            self.found.push(Reference::Attribute(target.clone(), attribute));
        }
    }

    fn sub(&mut self, text: &str, variables: Option<&Value>) {
        for piece in pieces(text) {
            let Piece::Variable(name) = piece else { continue };
            if variables.is_some_and(|variables| variables.get(name).is_some()) {
                continue;
            }
            self.found.push(match name.split_once('.') {
                Some((target, attribute)) => Reference::Attribute(target.to_owned(), attribute.to_owned()),
                None => Reference::Ref(name.to_owned()),
            });
        }
    }

    fn choice(&mut self, parts: &[Value]) {
        let [Value::String(name), yes, no] = parts else { return };
        self.found.push(Reference::Condition(name.clone()));
        match self.conditions.map(|conditions| conditions.get(name).copied()) {
            None | Some(None) => {
                self.value(yes);
                self.value(no);
            }
            Some(Some(true)) => self.value(yes),
            Some(Some(false)) => self.value(no),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn substitutions_split_into_text_and_variables() {
        let expected = [Piece::Text("a-"), Piece::Variable("B.C"), Piece::Text("-${"), Piece::Text("D}")];
        assert_eq!(pieces("a-${B.C}-${!D}"), expected);
        assert_eq!(pieces("${open"), [Piece::Text("${open")]);
    }

    #[test]
    fn only_the_branch_that_is_taken_is_followed() {
        let value = json!({"Fn::If": ["C", {"Ref": "A"}, {"Fn::GetAtt": ["B", "Arn"]}]});
        let conditions = BTreeMap::from([("C".to_owned(), false)]);
        assert_eq!(
            references(&value, Some(&conditions)),
            [Reference::Condition("C".to_owned()), Reference::Attribute("B".to_owned(), "Arn".to_owned())]
        );
        assert_eq!(references(&value, None).len(), 3);
    }

    #[test]
    fn variables_given_to_a_substitution_are_no_references() {
        let value = json!({"Fn::Sub": ["${A}${B}", {"A": {"Ref": "C"}}]});
        assert_eq!(
            references(&value, None),
            [Reference::Ref("B".to_owned()), Reference::Ref("C".to_owned())]
        );
    }
}
