//! The `Conditions` section.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::schema::text_of;
use super::super::template::{format_error, template_error};
use super::references::{Reference, references};
use super::scope::{Nothing, Scope};
use crate::error::ServiceError;

/// Decides all conditions of the template.
pub(super) fn decide(scope: &Scope) -> Result<BTreeMap<String, bool>, ServiceError> {
    let mut deciding = Deciding { scope, decided: BTreeMap::new(), open: Vec::new() };
    for (name, definition) in &scope.template.conditions {
        deciding.check(definition)?;
        deciding.named(name)?;
    }
    Ok(deciding.decided)
}

struct Deciding<'a> {
    scope: &'a Scope,
    decided: BTreeMap<String, bool>,
    /// The conditions being decided, outermost first: one that comes up again is a circle.
    open: Vec<String>,
}

impl Deciding<'_> {
    fn check(&self, definition: &Value) -> Result<(), ServiceError> {
        for reference in references(definition, None) {
            let (Reference::Ref(name) | Reference::Attribute(name, _)) = reference else { continue };
            if !name.starts_with("AWS::") && !self.scope.parameters.contains_key(&name) {
                return Err(format_error(format!(
                    "Unresolved dependencies [{name}]. Cannot reference resources in the Conditions block \
                     of the template"
                )));
            }
        }
        Ok(())
    }

    fn named(&mut self, name: &str) -> Result<bool, ServiceError> {
        if let Some(value) = self.decided.get(name) {
            return Ok(*value);
        }
        if self.open.iter().any(|open| open == name) {
            let circle = self.open.join(", ");
            return Err(format_error(format!("Circular dependency between conditions: [{circle}]")));
        }
        let Some(definition) = self.scope.template.conditions.get(name) else {
            let text =
                format!("Unresolved condition dependency {name} in the Conditions block of the template");
            return Err(format_error(text));
        };
        self.open.push(name.to_owned());
        let value = self.condition(definition)?;
        self.open.pop();
        self.decided.insert(name.to_owned(), value);
        Ok(value)
    }

    fn condition(&mut self, value: &Value) -> Result<bool, ServiceError> {
        let call =
            value.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
        let Some((function, argument)) = call else {
            return Err(format_error("Every Condition member must be a condition function."));
        };
        match (function.as_str(), argument) {
            ("Condition", Value::String(name)) => self.named(name),
            ("Fn::Equals", Value::Array(sides)) if sides.len() == 2 => {
                Ok(self.side(sides.first())? == self.side(sides.last())?)
            }
            ("Fn::Not", Value::Array(parts)) if parts.len() == 1 => Ok(!self.all(parts, true)?),
            ("Fn::And", Value::Array(parts)) if counted(parts) => self.all(parts, true),
            ("Fn::Or", Value::Array(parts)) if counted(parts) => self.all(parts, false),
            ("Fn::And" | "Fn::Or", _) => Err(template_error(format!(
                "every {function} object requires a list of at least 2 and at most 10 boolean parameters."
            ))),
            ("Fn::Equals", _) => {
                Err(template_error("every Fn::Equals object requires a list of 2 string parameters."))
            }
            ("Fn::Not", _) => {
                Err(template_error("every Fn::Not object requires a list of 1 boolean parameter."))
            }
            (other, _) => Err(format_error(format!("{other} is no condition function."))),
        }
    }

    /// With `wanted` true: whether all hold. With false: whether any does.
    fn all(&mut self, parts: &[Value], wanted: bool) -> Result<bool, ServiceError> {
        for part in parts {
            if self.condition(part)? != wanted {
                return Ok(!wanted);
            }
        }
        Ok(wanted)
    }

    /// One side of `Fn::Equals`: compared as text.
    fn side(&self, value: Option<&Value>) -> Result<String, ServiceError> {
        let Some(value) = value else { return Ok(String::new()) };
        Ok(self.scope.evaluate(value, &Nothing)?.as_ref().map(text_of).unwrap_or_default())
    }
}

fn counted(parts: &[Value]) -> bool {
    (2..=10).contains(&parts.len())
}
