//! Stack policies: which resources an update may change, replace or delete (user guide, "Prevent updates to
//! stack resources").
//!
//! A stack with a policy protects all of its resources; a statement must allow what an update does, and none
//! may deny it. Additions, the stack's deletion and rollbacks are not judged.

use serde::Deserialize;
use serde_json::Value;

use crate::error::ServiceError;

/// Most bytes a policy may have.
const LIMIT: usize = 16_384;

/// What an update does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Modify,
    Replace,
    Delete,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Modify => "Update:Modify",
            Self::Replace => "Update:Replace",
            Self::Delete => "Update:Delete",
        }
    }
}

/// A stack policy, read from its text.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct StackPolicy {
    #[serde(default)]
    statement: OneOrMany<Statement>,
    #[serde(default, rename = "Version")]
    _version: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(default, rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: OneOrMany<String>,
    principal: String,
    #[serde(default)]
    resource: OneOrMany<String>,
    #[serde(default)]
    not_resource: OneOrMany<String>,
    #[serde(default)]
    condition: Option<Condition>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// Only the resource's type can be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    #[serde(rename = "StringEquals", default)]
    equals: Option<Types>,
    #[serde(rename = "StringLike", default)]
    like: Option<Types>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Types {
    #[serde(rename = "ResourceType")]
    resource_type: OneOrMany<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> OneOrMany<T> {
    fn all(&self) -> &[T] {
        match self {
            Self::Many(all) => all,
            Self::One(one) => std::slice::from_ref(one),
        }
    }
}

impl StackPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// `ValidationError` in CloudFormation's words (LocalStack's recordings `test_stack_policies.py`).
    pub(super) fn parse(text: &str) -> Result<Self, ServiceError> {
        let invalid = || ServiceError::validation("Error validating stack policy: Invalid stack policy");
        if text.len() > LIMIT {
            return Err(ServiceError::validation(format!(
                "1 validation error detected: Value at 'stackPolicyBody' failed to satisfy constraint: Member \
                 must have length less than or equal to {LIMIT}"
            )));
        }
        // An object is asked for first: serde takes a list for a struct too.
        let value: Value = serde_json::from_str(text).map_err(|_| invalid())?;
        let policy: Self = value
            .is_object()
            .then(|| serde_json::from_value(value))
            .ok_or_else(invalid)?
            .map_err(|_| invalid())?;
        if policy.statement.all().iter().all(Statement::is_valid) { Ok(policy) } else { Err(invalid()) }
    }

    /// Why the action is not allowed, as the reason of the resource's failure; `None`: it is.
    pub(super) fn denial(&self, action: Action, logical_id: &str, resource_type: &str) -> Option<String> {
        let statements = || self.statement.all().iter().enumerate();
        let applies = |(_, one): &(usize, &Statement)| one.applies(action, logical_id, resource_type);
        let what = format!("[{}] for resource [LogicalResourceId/{logical_id}];", action.name());
        let denies = |(_, one): &(usize, &Statement)| one.effect == Effect::Deny;
        if let Some((index, _)) = statements().filter(denies).find(applies) {
            let number = index + 1;
            return Some(format!(
                "Action denied by stack policy: Statement [#{number}] does not allow {what}"
            ));
        }
        let allows = statements().any(|one| !denies(&one) && applies(&one));
        (!allows).then(|| format!("Action not allowed by stack policy: no statement allows {what}"))
    }
}

impl Statement {
    fn is_valid(&self) -> bool {
        const ACTIONS: [&str; 4] = ["Update:*", "Update:Modify", "Update:Replace", "Update:Delete"];
        let actions = self.action.all();
        let named = self.resource.all().len() + self.not_resource.all().len();
        let known = actions.iter().all(|action| ACTIONS.contains(&action.as_str()) || action == "*");
        self.principal == "*" && !actions.is_empty() && known && named > 0
    }

    fn applies(&self, action: Action, logical_id: &str, resource_type: &str) -> bool {
        let acts = |pattern: &String| matches(pattern, action.name());
        let resource = format!("LogicalResourceId/{logical_id}");
        let is_named = |names: &OneOrMany<String>| names.all().iter().any(|name| matches(name, &resource));
        let named = match self.resource.all() {
            [] => !is_named(&self.not_resource),
            _ => is_named(&self.resource),
        };
        let fits = self.condition.as_ref().is_none_or(|condition| condition.fits(resource_type));
        self.action.all().iter().any(acts) && named && fits
    }
}

impl Condition {
    fn fits(&self, resource_type: &str) -> bool {
        let equal = |types: &Types| types.resource_type.all().iter().any(|name| name == resource_type);
        let like = |types: &Types| types.resource_type.all().iter().any(|name| matches(name, resource_type));
        self.equals.as_ref().is_none_or(equal) && self.like.as_ref().is_none_or(like)
    }
}

/// Whether a text fits a pattern whose `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "NotResource": "LogicalResourceId/Db*"},
        {"Effect": "Deny", "Principal": "*", "Action": ["Update:Replace", "Update:Delete"], "Resource": "*",
         "Condition": {"StringLike": {"ResourceType": ["AWS::S3::*"]}}}
    ]}"#;

    #[test]
    fn what_no_statement_allows_or_one_denies_is_refused() {
        let policy = StackPolicy::parse(POLICY).unwrap();
        let denial = |action, id, kind| policy.denial(action, id, kind);
        assert_eq!(denial(Action::Replace, "Queue", "AWS::SQS::Queue"), None);
        assert_eq!(denial(Action::Modify, "Bucket", "AWS::S3::Bucket"), None);
        // The words were seen in an account's events.
        assert_eq!(
            denial(Action::Replace, "Bucket", "AWS::S3::Bucket").unwrap(),
            "Action denied by stack policy: Statement [#2] does not allow [Update:Replace] for resource \
             [LogicalResourceId/Bucket];"
        );
        assert!(denial(Action::Modify, "Db1", "AWS::RDS::DBInstance").unwrap().contains("not allowed"));
        assert!(StackPolicy::parse("{}").unwrap().denial(Action::Modify, "A", "T").is_some());
    }

    #[test]
    fn what_is_no_stack_policy_is_refused() {
        let with = |from: &str, to: &str| POLICY.replacen(from, to, 1);
        for text in [
            "no json".to_owned(),
            "[]".to_owned(),
            with(r#""Principal": "*""#, r#""Principal": {"AWS": "x"}"#),
            with(r#""Principal": "*""#, r#""Principal": "someone""#),
            with("Update:*", "Delete:*"),
            with("Allow", "Maybe"),
            with("NotResource", "Resources"),
        ] {
            let refused = StackPolicy::parse(&text).unwrap_err();
            assert_eq!(refused.message, "Error validating stack policy: Invalid stack policy", "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_any_run() {
        let fits = [("*", ""), ("a*", "ab"), ("a*c", "abc"), ("a*b*c", "aXbYc"), ("abc", "abc")];
        assert!(fits.iter().all(|(pattern, text)| matches(pattern, text)));
        let unfit = [("a", "ab"), ("a*c", "ab"), ("ab*bc", "abc"), ("", "a")];
        assert!(unfit.iter().all(|(pattern, text)| !matches(pattern, text)));
    }
}
