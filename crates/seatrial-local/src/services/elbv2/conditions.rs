//! The conditions of a rule, as AWS takes and shows them, and as the proxy asks them.

use serde::{Deserialize, Serialize};

use crate::error::ServiceError;
use crate::proxy::{Condition, Field, Pattern};

/// Values and wildcards that one rule's conditions may hold together (user guide, quotas of Application Load
/// Balancers: condition values per rule 5, condition wildcards per rule 6).
const MOST_VALUES: usize = 5;
const MOST_WILDCARDS: usize = 6;

/// A condition: all of a rule's must hold, of one's values any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RuleCondition {
    /// `path-pattern`, `host-header`, `http-header`, `http-request-method` or `query-string`.
    pub field: String,
    /// The short form of path patterns and host headers. AWS shows both forms, whichever was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_pattern_config: Option<Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_header_config: Option<Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_header_config: Option<HttpHeader>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_request_method_config: Option<Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_string_config: Option<QueryString>,
    /// Not served, and so refused.
    #[serde(skip_serializing)]
    pub regex_values: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Values {
    pub values: Vec<String>,
    #[serde(skip_serializing)]
    pub regex_values: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct HttpHeader {
    pub http_header_name: String,
    pub values: Vec<String>,
    #[serde(skip_serializing)]
    pub regex_values: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct QueryString {
    pub values: Vec<KeyValue>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct KeyValue {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub value: String,
}

/// Checks the conditions of a rule, and brings them into the form AWS shows.
///
/// # Errors
/// `ValidationError`, also for what is not served.
pub(super) fn check(conditions: Vec<RuleCondition>) -> Result<Vec<RuleCondition>, ServiceError> {
    if conditions.is_empty() {
        return Err(ServiceError::validation("A rule must have at least one condition"));
    }
    let conditions = conditions.into_iter().map(check_one).collect::<Result<Vec<_>, _>>()?;
    let values: Vec<&str> = conditions.iter().flat_map(RuleCondition::texts).collect();
    if values.len() > MOST_VALUES {
        let message = format!("A rule can have at most '{MOST_VALUES}' condition values");
        return Err(ServiceError::validation(message));
    }
    let wildcards = values.iter().flat_map(|value| value.matches(['*', '?'])).count();
    if wildcards > MOST_WILDCARDS {
        let message = format!("A rule can have at most '{MOST_WILDCARDS}' condition wildcards");
        return Err(ServiceError::validation(message));
    }
    Ok(conditions)
}

fn check_one(mut condition: RuleCondition) -> Result<RuleCondition, ServiceError> {
    let by_expression = !condition.regex_values.is_empty()
        || [&condition.path_pattern_config, &condition.host_header_config]
            .into_iter()
            .flatten()
            .any(|config| !config.regex_values.is_empty())
        || condition.http_header_config.as_ref().is_some_and(|config| !config.regex_values.is_empty());
    if by_expression {
        return Err(ServiceError::validation(
            "conditions by regular expression are not served by the local cloud",
        ));
    }
    let given = std::mem::take(&mut condition.values);
    let both_forms = |config: &mut Option<Values>, values: &mut Vec<String>| {
        let config = config.get_or_insert_with(|| Values { values: given.clone(), ..Values::default() });
        values.clone_from(&config.values);
    };
    match condition.field.as_str() {
        "path-pattern" => both_forms(&mut condition.path_pattern_config, &mut condition.values),
        "host-header" => both_forms(&mut condition.host_header_config, &mut condition.values),
        "http-header" | "http-request-method" | "query-string" if given.is_empty() => {}
        "source-ip" => {
            return Err(ServiceError::validation(
                "conditions on source-ip are not served by the local cloud: every client comes from this machine",
            ));
        }
        field => {
            let message = format!("Condition field '{field}' must be one of '[path-pattern,host-header]'");
            return Err(ServiceError::validation(message));
        }
    }
    let texts: Vec<&str> = condition.texts().collect();
    if texts.is_empty() {
        return Err(ServiceError::validation("A condition value must be specified"));
    }
    if let Some(text) = texts.iter().find(|text| text.is_empty() || text.len() > 128) {
        let message = format!("Condition value '{text}' must have a length between '1' and '128'");
        return Err(ServiceError::validation(message));
    }
    Ok(condition)
}

impl RuleCondition {
    fn texts(&self) -> impl Iterator<Item = &str> {
        let header = self.http_header_config.iter().flat_map(|config| &config.values);
        let method = self.http_request_method_config.iter().flat_map(|config| &config.values);
        let query = self.query_string_config.iter().flat_map(|config| &config.values);
        let plain = self.values.iter().chain(header).chain(method).map(String::as_str);
        plain.chain(query.map(|pair| pair.value.as_str()))
    }

    /// As the proxy asks it. Paths and query strings are compared as they are typed, hosts and headers whatever their
    /// case (user guide, condition types for listener rules).
    pub(super) fn asked(&self) -> Condition {
        let patterns = |values: &[String], any_case| {
            values.iter().map(|value| Pattern::of_text(value, any_case)).collect::<Vec<_>>()
        };
        let (field, patterns) = match self.field.as_str() {
            "host-header" => (Field::Host, patterns(&self.values, true)),
            "http-header" => {
                let config = self.http_header_config.clone().unwrap_or_default();
                (Field::Header(config.http_header_name), patterns(&config.values, true))
            }
            "http-request-method" => {
                let config = self.http_request_method_config.clone().unwrap_or_default();
                (Field::Method, patterns(&config.values, false))
            }
            "query-string" => {
                let config = self.query_string_config.clone().unwrap_or_default();
                let pair = |pair: &KeyValue| match &pair.key {
                    Some(key) => format!("{key}={}", pair.value),
                    None => format!("*={}", pair.value),
                };
                let pairs: Vec<String> = config.values.iter().map(pair).collect();
                (Field::Query, patterns(&pairs, true))
            }
            _ => (Field::Path, patterns(&self.values, false)),
        };
        Condition { field, patterns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(values: &[&str]) -> RuleCondition {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        RuleCondition { field: "path-pattern".to_owned(), values, ..RuleCondition::default() }
    }

    #[test]
    fn a_short_condition_is_shown_in_both_forms_and_a_long_one_too() {
        let short = check(vec![path(&["/*"])]).unwrap();
        let config = Values { values: vec!["/*".to_owned()], ..Values::default() };
        let long = RuleCondition { path_pattern_config: Some(config), ..path(&[]) };
        assert_eq!(check(vec![long]).unwrap(), short);
        assert_eq!(short[0].values, short[0].path_pattern_config.clone().unwrap().values);
    }

    #[test]
    fn what_aws_refuses_of_conditions_is_refused() {
        let regex = RuleCondition { regex_values: vec!["^/a".to_owned()], ..path(&[]) };
        let refused = [
            vec![],
            vec![path(&[])],
            vec![path(&[""])],
            vec![path(&["/1", "/2", "/3", "/4", "/5", "/6"])],
            vec![path(&["/*/*/*/*", "/*/*/*"])],
            vec![RuleCondition { field: "source-ip".to_owned(), ..path(&["10.0.0.0/8"]) }],
            vec![RuleCondition { field: "path".to_owned(), ..path(&["/*"]) }],
            vec![regex],
        ];
        for conditions in refused {
            assert!(check(conditions.clone()).is_err(), "{conditions:?}");
        }
    }
}
