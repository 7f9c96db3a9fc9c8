//! What a value in a template refers to.

use std::collections::BTreeSet;

use serde_json::Value;

/// Names by what they are of.
#[derive(Debug, Default)]
pub(super) struct References {
    /// Parameters, pseudo parameters and resources: `Ref`, `Fn::GetAtt`, `Fn::Sub`.
    pub values: BTreeSet<String>,
    /// `Condition` and `Fn::If`.
    pub conditions: BTreeSet<String>,
    /// `Fn::FindInMap`.
    pub mappings: BTreeSet<String>,
}

impl References {
    /// All of a value (with long forms).
    pub(super) fn of(value: &Value) -> Self {
        let mut references = Self::default();
        references.collect(value);
        references
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (function, argument) in members {
                    self.call(function, argument);
                    self.collect(argument);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            _ => {}
        }
    }

    fn call(&mut self, function: &str, argument: &Value) {
        let Some(first) = argument.as_str().or_else(|| argument.get(0)?.as_str()) else { return };
        let named = |name: &str| Some(name.to_owned());
        match function {
            "Ref" => self.values.extend(named(first)),
            "Fn::GetAtt" => self.values.extend(first.split('.').next().and_then(named)),
            "Fn::Sub" => {
                let own = argument.get(1).and_then(Value::as_object);
                let is_own = |name: &String| own.is_some_and(|own| own.contains_key(name));
                self.values.extend(substituted(first).filter(|name| !is_own(name)));
            }
            "Condition" | "Fn::If" => self.conditions.extend(named(first)),
            "Fn::FindInMap" => self.mappings.extend(named(first)),
            _ => {}
        }
    }
}

/// The names in `${Name}` and `${Name.Attribute}`; `${!Literal}` is none.
fn substituted(text: &str) -> impl Iterator<Item = String> {
    text.split("${").skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let name = name.split('.').next()?.trim();
        (!name.starts_with('!')).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three sets, one after another.
    fn of(text: &str) -> [Vec<String>; 3] {
        let text = format!("Resources: {{R: {{Type: T, Properties: {{P: {text}}}}}}}");
        let json = seatrial_template::parse("t.yml", text.as_bytes()).unwrap().to_json();
        let References { values, conditions, mappings } =
            References::of(&json["Resources"]["R"]["Properties"]);
        [values, conditions, mappings].map(Vec::from_iter)
    }

    #[test]
    fn each_function_refers_to_names_of_one_sort() {
        let table: [(&str, [&[&str]; 3]); 8] = [
            ("!Ref A", [&["A"], &[], &[]]),
            ("!GetAtt A.B.C", [&["A"], &[], &[]]),
            ("!Sub '${A}-${B.Arn}-${!C}'", [&["A", "B"], &[], &[]]),
            ("!Sub ['${A}-${Own}', {Own: !Ref B}]", [&["A", "B"], &[], &[]]),
            ("!If [C, !Ref A, {Condition: D}]", [&["A"], &["C", "D"], &[]]),
            ("!FindInMap [M, !Ref A, k]", [&["A"], &[], &["M"]]),
            ("[{x: !Join ['', [!Ref A]]}]", [&["A"], &[], &[]]),
            ("{Condition: {StringEquals: {a: b}}, Ref: 5}", [&[], &[], &[]]),
        ];
        for (text, expected) in table {
            assert_eq!(of(text), expected.map(<[&str]>::to_vec), "{text}");
        }
    }
}
