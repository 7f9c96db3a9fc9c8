//! Parameters: what a template declares, what a caller sent, and what is in effect.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::pattern::Pattern;
use super::super::schema::text_of;
use super::super::template::{Template, format_error};
use crate::error::ServiceError;

/// Bytes of a parameter's value ("Understand CloudFormation quotas").
const VALUE_LIMIT: usize = 4096;

/// A parameter as the template declares it.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Declared {
    pub key: String,
    pub kind: String,
    pub default: Option<String>,
    pub no_echo: bool,
    pub description: Option<String>,
    pub allowed_values: Vec<String>,
    allowed_pattern: Option<String>,
    constraint_description: Option<String>,
    length: (Option<f64>, Option<f64>),
    range: (Option<f64>, Option<f64>),
}

/// A parameter as a caller sends it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct Supplied {
    #[serde(default)]
    pub parameter_key: String,
    pub parameter_value: Option<String>,
    #[serde(default)]
    pub use_previous_value: bool,
}

/// A parameter in effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct Parameter {
    pub key: String,
    pub value: String,
    pub no_echo: bool,
    /// Whether `Ref` answers a list, split at commas.
    pub list: bool,
    /// What Parameter Store has under the name that `value` is, for the types `AWS::SSM::Parameter::Value<…>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<String>,
}

impl Parameter {
    /// What `Ref` answers.
    pub(in super::super) fn referenced(&self) -> Value {
        let value = self.stored.as_ref().unwrap_or(&self.value);
        if !self.list {
            return Value::String(value.clone());
        }
        if value.is_empty() {
            return Value::Array(Vec::new());
        }
        value.split(',').map(|item| Value::String(item.trim().to_owned())).collect()
    }

    /// The value as it may be shown.
    pub(in super::super) fn shown(&self) -> &str {
        if self.no_echo { "****" } else { &self.value }
    }
}

/// The parameters a template declares, in its order.
pub(in super::super) fn declared(template: &Template) -> Result<Vec<Declared>, ServiceError> {
    template.parameters.iter().map(|(key, value)| declaration(key, value)).collect()
}

fn declaration(key: &str, value: &Value) -> Result<Declared, ServiceError> {
    let fault = |text: &str| format_error(format!("[/Parameters/{key}] {text}"));
    let members = value.as_object().ok_or_else(|| fault("Every Parameters object must be an object."))?;
    let kind = match members.get("Type") {
        Some(Value::String(kind)) => kind.clone(),
        _ => return Err(fault("Every Parameters object must contain a Type member.")),
    };
    if !is_kind(&kind) {
        return Err(format_error(format!("Unrecognized parameter type: {kind}")));
    }
    let text = |name: &str| members.get(name).filter(|value| !value.is_null()).map(text_of);
    let number = |name: &str| text(name).and_then(|text| text.parse().ok());
    let default = match members.get("Default") {
        Some(Value::Object(_) | Value::Array(_)) => {
            return Err(fault("Every Default member must be a string."));
        }
        _ => text("Default"),
    };
    let allowed_pattern = text("AllowedPattern");
    if let Some(pattern) = allowed_pattern.as_deref().filter(|pattern| Pattern::new(pattern).is_err()) {
        return Err(fault(&format!("AllowedPattern {pattern} is no regular expression.")));
    }
    Ok(Declared {
        key: key.to_owned(),
        kind,
        default,
        no_echo: text("NoEcho").is_some_and(|text| text.eq_ignore_ascii_case("true")),
        description: text("Description"),
        allowed_values: allowed_values(members),
        allowed_pattern,
        constraint_description: text("ConstraintDescription"),
        length: (number("MinLength"), number("MaxLength")),
        range: (number("MinValue"), number("MaxValue")),
    })
}

fn allowed_values(members: &Map<String, Value>) -> Vec<String> {
    let values = members.get("AllowedValues").and_then(Value::as_array);
    values.map(|values| values.iter().map(text_of).collect()).unwrap_or_default()
}

fn is_kind(kind: &str) -> bool {
    let inner = kind.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>')).unwrap_or(kind);
    matches!(inner, "String" | "Number" | "CommaDelimitedList")
        || inner == "AWS::SSM::Parameter::Name"
        || (inner.starts_with("AWS::") && !inner.starts_with("AWS::SSM::"))
        || stored_kind(kind).is_some_and(|stored| !stored.starts_with("AWS::SSM::") && is_kind(stored))
}

/// What is in the angle brackets of `AWS::SSM::Parameter::Value<…>`.
fn stored_kind(kind: &str) -> Option<&str> {
    kind.strip_prefix("AWS::SSM::Parameter::Value<").and_then(|rest| rest.strip_suffix('>'))
}

impl Declared {
    fn is_list(&self) -> bool {
        let kind = stored_kind(&self.kind).unwrap_or(&self.kind);
        kind == "CommaDelimitedList" || kind.starts_with("List<")
    }

    /// Whether its value is the name of a parameter in Parameter Store.
    fn is_stored(&self) -> bool {
        stored_kind(&self.kind).is_some()
    }

    fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "Number" | "List<Number>")
    }

    /// Checks a value, every item of a list for itself.
    fn check(&self, value: &str) -> Result<(), ServiceError> {
        let items: Vec<&str> =
            if self.is_list() { value.split(',').map(str::trim).collect() } else { vec![value] };
        let fault = items.into_iter().find_map(|item| self.fault(item));
        let Some(fault) = fault else { return Ok(()) };
        Err(ServiceError::validation(match &self.constraint_description {
            Some(rule) => format!("Parameter '{}' failed to satisfy constraint: {rule}", self.key),
            None => format!("Parameter '{}' {fault}", self.key),
        }))
    }

    fn fault(&self, item: &str) -> Option<String> {
        if !self.allowed_values.is_empty() && !self.allowed_values.iter().any(|allowed| allowed == item) {
            return Some("must be one of AllowedValues".to_owned());
        }
        if self.is_number() {
            return self.number_fault(item);
        }
        let length = item.chars().count() as f64;
        match self.length {
            (Some(min), _) if length < min => {
                return Some(format!("must contain at least {min} characters"));
            }
            (_, Some(max)) if length > max => return Some(format!("must contain at most {max} characters")),
            _ => {}
        }
        let pattern = self.allowed_pattern.as_deref()?;
        let matches = Pattern::new(pattern).is_ok_and(|compiled| compiled.matches(item));
        (!matches).then(|| format!("must match pattern {pattern}"))
    }

    fn number_fault(&self, item: &str) -> Option<String> {
        let Ok(number) = item.parse::<f64>() else { return Some("must be a number.".to_owned()) };
        match self.range {
            (Some(min), _) if number < min => Some(format!("must be a number not less than {min}")),
            (_, Some(max)) if number > max => Some(format!("must be a number not greater than {max}")),
            _ => None,
        }
    }
}

/// The parameters in effect: sent values, previous ones where asked for, else defaults.
///
/// # Errors
/// `ValidationError`: a parameter without value, one the template lacks, a broken constraint.
pub(in super::super) fn resolve(
    declared: &[Declared],
    supplied: &[Supplied],
    previous: &[Parameter],
) -> Result<Vec<Parameter>, ServiceError> {
    let unknown: Vec<_> = supplied
        .iter()
        .map(|one| one.parameter_key.as_str())
        .filter(|key| !declared.iter().any(|parameter| parameter.key == *key))
        .collect();
    if !unknown.is_empty() {
        let text = format!("Parameters: [{}] do not exist in the template", unknown.join(", "));
        return Err(ServiceError::validation(text));
    }
    let mut missing = Vec::new();
    let mut resolved = Vec::new();
    for parameter in declared {
        let sent = supplied.iter().rev().find(|one| one.parameter_key == parameter.key);
        let old = || previous.iter().find(|old| old.key == parameter.key).map(|old| old.value.clone());
        let value = match sent {
            Some(sent)
                if sent.use_previous_value
                    && sent.parameter_value.as_deref().is_some_and(|it| !it.is_empty()) =>
            {
                return Err(ServiceError::validation(format!(
                    "Invalid input for parameter key {}. Cannot specify usePreviousValue as true and non empty \
                     value for a parameter",
                    parameter.key
                )));
            }
            Some(sent) if sent.use_previous_value => Some(old().ok_or_else(|| no_previous(&parameter.key))?),
            Some(sent) => sent.parameter_value.clone().or_else(|| parameter.default.clone()),
            None => parameter.default.clone(),
        };
        let Some(value) = value else {
            missing.push(parameter.key.as_str());
            continue;
        };
        if value.len() > VALUE_LIMIT {
            return Err(ServiceError::validation(format!(
                "Parameter '{}' must contain at most {VALUE_LIMIT} characters",
                parameter.key
            )));
        }
        parameter.check(&value)?;
        let (no_echo, list) = (parameter.no_echo, parameter.is_list());
        resolved.push(Parameter { key: parameter.key.clone(), value, no_echo, list, stored: None });
    }
    if missing.is_empty() {
        return Ok(resolved);
    }
    Err(ServiceError::validation(format!("Parameters: [{}] must have values", missing.join(", "))))
}

/// Looks up what Parameter Store has for the parameters whose type says that they name one of its.
///
/// # Errors
/// `ValidationError` naming all that it does not have.
pub(in super::super) fn resolve_stored(
    declared: &[Declared],
    parameters: &mut [Parameter],
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<(), ServiceError> {
    let mut missing = Vec::new();
    for parameter in parameters {
        if !declared.iter().any(|one| one.key == parameter.key && one.is_stored()) {
            continue;
        }
        parameter.stored = look_up(&parameter.value);
        if parameter.stored.is_none() {
            missing.push(parameter.value.as_str());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(ServiceError::validation(format!(
        "Unable to fetch parameters [{}] from parameter store for this account.",
        missing.join(", ")
    )))
}

fn no_previous(key: &str) -> ServiceError {
    ServiceError::validation(format!(
        "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key \
         not in the previous template"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str, sent: &[(&str, &str)]) -> Result<Vec<Parameter>, String> {
        let template = Template::parse(&format!("{text}\nResources: {{A: {{Type: 'AWS::S3::Bucket'}}}}"));
        let supplied: Vec<_> = sent
            .iter()
            .map(|(key, value)| Supplied {
                parameter_key: (*key).to_owned(),
                parameter_value: Some((*value).to_owned()),
                use_previous_value: false,
            })
            .collect();
        let declared = template.and_then(|template| declared(&template));
        declared.and_then(|list| resolve(&list, &supplied, &[])).map_err(|error| error.message)
    }

    #[test]
    fn defaults_fill_in_and_lists_are_split() {
        let text = "Parameters: {N: {Type: Number, Default: 7}, L: {Type: CommaDelimitedList}}";
        let parameters = resolved(text, &[("L", "a, b")]).unwrap();
        assert_eq!(parameters[0].referenced(), Value::from("7"));
        assert_eq!(parameters[1].referenced(), serde_json::json!(["a", "b"]));
    }

    #[test]
    fn broken_constraints_are_told_in_cloudformations_words() {
        let text = "Parameters:\n  A: {Type: String, AllowedPattern: '[a-z]+', MaxLength: 3}\n  \
                    N: {Type: Number, MinValue: 2, Default: 2}\n  V: {Type: String, AllowedValues: [x], Default: x}";
        let message = |sent: &[(&str, &str)]| resolved(text, sent).unwrap_err();
        assert_eq!(message(&[]), "Parameters: [A] must have values");
        assert_eq!(message(&[("A", "a"), ("Z", "")]), "Parameters: [Z] do not exist in the template");
        assert_eq!(message(&[("A", "a1")]), "Parameter 'A' must match pattern [a-z]+");
        assert_eq!(message(&[("A", "abcd")]), "Parameter 'A' must contain at most 3 characters");
        assert_eq!(message(&[("A", "a"), ("N", "1")]), "Parameter 'N' must be a number not less than 2");
        assert_eq!(message(&[("A", "a"), ("V", "y")]), "Parameter 'V' must be one of AllowedValues");
    }
}
