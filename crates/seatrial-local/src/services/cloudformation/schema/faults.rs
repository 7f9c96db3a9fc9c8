//! What is wrong with properties, at every depth, in the words of CloudFormation's validation.
//!
//! Words: "Model validation failed (#/Targets/0/Values: expected type: JSONArray, found: String)"
//! (aws-cloudformation/cfn-lint#3223), "#/AuthorizationType: #: only 1 subschema matches out of 2" and "failed
//! validation constraint for keyword \[enum\]" (aws-samples/aws-bookstore-demo-app#56).

use serde_json::{Map, Value};

use super::same::{same_value, text_of};
use super::shape::{Definitions, Kind, Shape};

/// One thing wrong with a resource's properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct PropertyFault {
    /// As a JSON pointer: `/SecurityGroupIngress/0`; empty for the properties themselves.
    pub path: String,
    pub text: String,
}

impl std::fmt::Display for PropertyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}: {}", self.path, self.text)
    }
}

/// A look at one resource's properties.
pub(super) struct Look<'a> {
    pub definitions: &'a Definitions,
    /// Paths without a leading slash, `*` for every item of a list.
    pub read_only: &'a [String],
    /// False while intrinsic functions stand in for values: then they are passed over.
    pub values_known: bool,
    pub faults: Vec<PropertyFault>,
}

impl Look<'_> {
    fn fault(&mut self, path: &str, text: impl Into<String>) {
        self.faults.push(PropertyFault { path: path.to_owned(), text: text.into() });
    }

    fn breaks(&mut self, path: &str, keyword: &str) {
        self.fault(path, format!("failed validation constraint for keyword [{keyword}]"));
    }

    /// Whether nothing can be said of the value yet.
    fn is_open(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains("{{resolve:"),
            Value::Object(members) => !self.values_known && members.len() == 1 && members.keys().all(is_call),
            _ => false,
        }
    }

    /// Checks `value` at `path` against `shape`.
    pub(super) fn value(&mut self, shape: &Shape, value: &Value, path: &str) {
        if self.is_open(value) {
            return;
        }
        let shape = shape.resolved(self.definitions);
        if !shape.kinds.is_empty() && !fits(&shape.kinds, Kind::of(value)) {
            let expected: Vec<_> = shape.kinds.iter().map(|kind| kind.java_name()).collect();
            let found = Kind::of(value).java_name();
            return self.fault(path, format!("expected type: {}, found: {found}", expected.join(" or ")));
        }
        self.listed(shape, value, path);
        match value {
            Value::String(text) => self.text(shape, text, path),
            Value::Number(number) => self.number(shape, number.as_f64().unwrap_or_default(), path),
            Value::Array(items) => self.items(shape, items, path),
            Value::Object(members) => self.members(shape, members, path),
            Value::Bool(_) | Value::Null => {}
        }
        self.combined(shape, value, path);
    }

    fn listed(&mut self, shape: &Shape, value: &Value, path: &str) {
        let is = |one: &Value| same_value(one, value);
        let lower = |value: &Value| text_of(value).to_lowercase();
        let in_any_case = |one: &Value| lower(one) == lower(value);
        let outside = (!shape.values.is_empty() && !shape.values.iter().any(is))
            || (!shape.values_in_any_case.is_empty() && !shape.values_in_any_case.iter().any(in_any_case));
        if outside {
            self.breaks(path, "enum");
        }
        if shape.constant.as_ref().is_some_and(|constant| !is(constant)) {
            self.breaks(path, "const");
        }
    }

    fn text(&mut self, shape: &Shape, text: &str, path: &str) {
        let length = text.chars().count() as u64;
        if let Some(least) = shape.min_length.filter(|least| length < *least) {
            self.fault(path, format!("expected minLength: {least}, actual: {length}"));
        }
        if let Some(most) = shape.max_length.filter(|most| length > *most) {
            self.fault(path, format!("expected maxLength: {most}, actual: {length}"));
        }
        if shape.matcher().is_some_and(|pattern| !pattern.finds(text)) {
            self.breaks(path, "pattern");
        }
    }

    fn number(&mut self, shape: &Shape, number: f64, path: &str) {
        if let Some(least) = shape.minimum.filter(|least| number < *least) {
            self.fault(path, format!("{number} is not greater or equal to {least}"));
        }
        if let Some(most) = shape.maximum.filter(|most| number > *most) {
            self.fault(path, format!("{number} is not less or equal to {most}"));
        }
        if let Some(bound) = shape.exclusive_minimum.filter(|bound| number <= *bound) {
            self.fault(path, format!("{number} is not greater than {bound}"));
        }
        if let Some(bound) = shape.exclusive_maximum.filter(|bound| number >= *bound) {
            self.fault(path, format!("{number} is not less than {bound}"));
        }
    }

    fn items(&mut self, shape: &Shape, items: &[Value], path: &str) {
        let count = items.len();
        let counted = self.values_known || !items.iter().any(|item| self.is_open(item));
        if let Some(least) = shape.min_items.filter(|least| counted && count < *least) {
            self.fault(path, format!("expected minimum item count: {least}, found: {count}"));
        }
        if let Some(most) = shape.max_items.filter(|most| counted && count > *most) {
            self.fault(path, format!("expected maximum item count: {most}, found: {count}"));
        }
        let twice = |at: usize| items[..at].iter().any(|earlier| same_value(earlier, &items[at]));
        if shape.unique_items && (1..count).any(twice) {
            self.fault(path, "array items are not unique");
        }
        let Some(below) = &shape.items else { return };
        for (index, item) in items.iter().enumerate() {
            self.value(below, item, &format!("{path}/{index}"));
        }
    }

    fn members(&mut self, shape: &Shape, members: &Map<String, Value>, path: &str) {
        for (name, member) in members {
            let below = format!("{path}/{name}");
            if self.is_read_only(&below) {
                self.fault(path, format!("read-only key [{name}] is not permitted"));
                continue;
            }
            match shape.member(name) {
                Some(found) => self.value(found, member, &below),
                None if shape.is_open() => {}
                None => self.fault(path, format!("extraneous key [{name}] is not permitted")),
            }
        }
        self.required(shape, members, path);
    }

    fn required(&mut self, shape: &Shape, members: &Map<String, Value>, path: &str) {
        for name in shape.required.iter().filter(|name| !members.contains_key(*name)) {
            self.fault(path, format!("required key [{name}] not found"));
        }
    }

    /// Whether a path, which has numbers for the items of lists, is one of the read-only ones.
    fn is_read_only(&self, path: &str) -> bool {
        let steps = || path.split('/').skip(1);
        let fits = |(pattern, step): (&str, &str)| pattern == step || pattern == "*";
        self.read_only.iter().any(|pattern| {
            let pattern = pattern.split('/');
            pattern.clone().count() == steps().count() && pattern.zip(steps()).all(fits)
        })
    }

    fn combined(&mut self, shape: &Shape, value: &Value, path: &str) {
        for one in &shape.all_of {
            self.alternative(one, value, path);
        }
        let total = shape.any_of.len();
        if total > 0 && self.matching(&shape.any_of, value, path) == 0 {
            self.fault(path, format!("#: no subschema matched out of the total {total} subschemas"));
        }
        let matched = self.matching(&shape.one_of, value, path);
        // Alternatives that differ in more than what they require may overlap where scalars were coerced.
        let exclusive = shape.one_of.iter().all(|one| one.kinds.is_empty() && !one.required.is_empty());
        if !shape.one_of.is_empty() && (matched == 0 || (exclusive && matched > 1)) {
            self.fault(path, format!("#: {matched} subschemas matched instead of one"));
        }
    }

    fn matching(&self, alternatives: &[Shape], value: &Value, path: &str) -> usize {
        let matches = |one: &&Shape| {
            let mut look = Look { faults: Vec::new(), ..*self };
            look.alternative(one, value, path);
            look.faults.is_empty()
        };
        alternatives.iter().filter(matches).count()
    }

    /// As [`Look::value`], but names that only the whole shape knows are not extraneous.
    fn alternative(&mut self, shape: &Shape, value: &Value, path: &str) {
        let shape = shape.resolved(self.definitions);
        match value {
            Value::Object(members) if shape.kinds.is_empty() || shape.kinds.contains(&Kind::Object) => {
                for (name, below) in shape.properties.iter().flatten() {
                    if let Some(member) = members.get(name) {
                        self.value(below, member, &format!("{path}/{name}"));
                    }
                }
                self.required(shape, members, path);
                self.combined(shape, value, path);
            }
            value => self.value(shape, value, path),
        }
    }
}

fn fits(kinds: &[Kind], kind: Kind) -> bool {
    kinds.contains(&kind) || (kind == Kind::Integer && kinds.contains(&Kind::Number))
}

/// Whether a member's name says that it is the call of an intrinsic function.
fn is_call(name: &String) -> bool {
    name == "Ref" || name.starts_with("Fn::")
}
