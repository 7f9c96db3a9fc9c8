//! The `Rules` section: what must hold of parameters before anything is made.
//!
//! Source: "Rules" and "Rule functions" in the user guide. No recording says how AWS words a broken rule: the
//! description stands in these words here.

use serde_json::Value;

use super::super::schema::text_of;
use super::super::template::{format_error, template_error};
use super::scope::{Nothing, Scope};
use crate::error::ServiceError;

/// Refuses parameters that break a rule.
pub(super) fn assert_all(scope: &Scope) -> Result<(), ServiceError> {
    for (name, rule) in &scope.template.rules {
        let fault = |text: &str| format_error(format!("[/Rules/{name}] {text}"));
        let members = rule.as_object().ok_or_else(|| fault("Every Rules member must be an object."))?;
        let assertions = members.get("Assertions").and_then(Value::as_array);
        let assertions =
            assertions.ok_or_else(|| fault("Every Rules member must contain a list of Assertions."))?;
        let asserter = Asserter { scope };
        if let Some(condition) = members.get("RuleCondition")
            && !asserter.holds(condition)?
        {
            continue;
        }
        for assertion in assertions {
            let assert =
                assertion.get("Assert").ok_or_else(|| fault("Every assertion must contain an Assert."))?;
            if !asserter.holds(assert)? {
                let text = assertion.get("AssertDescription").map(text_of);
                let text = text.unwrap_or_else(|| "an assertion does not hold".to_owned());
                return Err(ServiceError::validation(format!("Rule [{name}] is violated: {text}")));
            }
        }
    }
    Ok(())
}

struct Asserter<'a> {
    scope: &'a Scope,
}

impl Asserter<'_> {
    fn holds(&self, value: &Value) -> Result<bool, ServiceError> {
        let call =
            value.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
        let Some((function, argument)) = call else {
            return Err(format_error("Every Assert and RuleCondition must be a rule function."));
        };
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (function.as_str(), parts) {
            ("Fn::And", parts) if parts.len() >= 2 => self.all(parts),
            ("Fn::Or", parts) if parts.len() >= 2 => {
                let mut any = false;
                for part in parts {
                    any |= self.holds(part)?;
                }
                Ok(any)
            }
            ("Fn::Not", [part]) => Ok(!self.holds(part)?),
            ("Fn::Equals", [one, two]) => Ok(self.texts(one)? == self.texts(two)?),
            ("Fn::Contains", [list, one]) => {
                let list = self.texts(list)?;
                Ok(self.texts(one)?.iter().all(|text| list.contains(text)))
            }
            ("Fn::EachMemberEquals", [list, one]) => {
                let one = self.texts(one)?;
                Ok(self.texts(list)?.iter().all(|text| one.first() == Some(text)))
            }
            ("Fn::EachMemberIn", [list, allowed]) => {
                let allowed = self.texts(allowed)?;
                Ok(self.texts(list)?.iter().all(|text| allowed.contains(text)))
            }
            (other, _) => Err(template_error(format!("{other} is malformed, or no function of a rule"))),
        }
    }

    fn all(&self, parts: &[Value]) -> Result<bool, ServiceError> {
        let mut all = true;
        for part in parts {
            all &= self.holds(part)?;
        }
        Ok(all)
    }

    /// A value, or the items of a list, as text.
    fn texts(&self, value: &Value) -> Result<Vec<String>, ServiceError> {
        if let Some(kind) = value.get("Fn::RefAll").and_then(Value::as_str) {
            return Ok(self.all_of(kind));
        }
        if value.get("Fn::ValueOf").or_else(|| value.get("Fn::ValueOfAll")).is_some() {
            let text = "Fn::ValueOf and Fn::ValueOfAll in Rules are not served by the local cloud";
            return Err(ServiceError::validation(text));
        }
        Ok(match self.scope.evaluate(value, &Nothing)? {
            Some(Value::Array(items)) => items.iter().map(text_of).collect(),
            Some(value) => vec![text_of(&value)],
            None => Vec::new(),
        })
    }

    /// The values of all parameters of a type: `Fn::RefAll`.
    fn all_of(&self, kind: &str) -> Vec<String> {
        let declared = self.scope.template.parameters.iter();
        let of_kind =
            declared.filter(|(_, parameter)| parameter.get("Type").and_then(Value::as_str) == Some(kind));
        let values = of_kind.filter_map(|(name, _)| self.scope.parameters.get(name));
        values
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().map(text_of).collect(),
                value => vec![text_of(value)],
            })
            .collect()
    }
}
