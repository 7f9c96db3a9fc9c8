//! From JSON to a [`Policy`], refusing what IAM refuses.
//!
//! Rules: AWS: Grammar of the IAM JSON policy language, the pages of the elements, and what `CreatePolicy`,
//! `PutRolePolicy` and `CreateRole` answer as `MalformedPolicyDocument`. Where only Access Analyzer calls something an
//! error, it is refused as well.

use serde_json::{Map, Value};

use crate::condition::Condition;
use crate::elements::{SYNTAX, text_of, texts};
use crate::error::{Fault, PolicyError};
use crate::json;
use crate::kind::{Effect, PolicyKind};
use crate::named;
use crate::pattern::{Pattern, Reading};
use crate::policy::{Listed, Policy, Statement};
use crate::principal::Named;
use crate::value::components;

const STATEMENT: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl Policy {
    /// Reads a document that is meant for `kind`.
    ///
    /// # Errors
    /// The first thing that AWS refuses, with the statement's index and Sid, the value and the rule.
    pub fn parse(kind: PolicyKind, text: &str) -> Result<Self, PolicyError> {
        let document = json::read(text)?;
        let syntax =
            |value: &str, what: &str| PolicyError::Policy(Fault::new(value, format!("{what}: {SYNTAX}")));
        let Value::Object(document) = &document else {
            return Err(syntax(&document.to_string(), "is no object"));
        };
        if let Some(name) =
            document.keys().find(|name| !["Version", "Id", "Statement"].contains(&name.as_str()))
        {
            return Err(syntax(name, "is not an element of a policy"));
        }
        // Without a version it is the older one, which has no variables (AWS: IAM JSON policy elements: Version).
        let variables = match document.get("Version").map(Value::as_str) {
            None | Some(Some("2008-10-17")) => false,
            Some(Some("2012-10-17")) => true,
            Some(_) => return Err(syntax("Version", "must be 2012-10-17 or 2008-10-17")),
        };
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
            Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
            _ => return Err(syntax("Statement", "must be a statement or a list of them")),
        };
        let mut read: Vec<Statement> = Vec::new();
        for (index, value) in statements.iter().enumerate() {
            let sid =
                value.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()).map(str::to_owned);
            let failed = |fault| PolicyError::Statement { index, sid: sid.clone(), fault };
            if let Some(sid) = sid.as_deref().filter(|sid| read.iter().any(|other| other.sid() == Some(sid)))
            {
                let rule = "stands twice: Statement IDs (SID) in a single policy must be unique.";
                return Err(failed(Fault::new(sid, rule)));
            }
            read.push(Elements::new(kind, variables, value).and_then(Elements::read).map_err(failed)?);
        }
        Ok(Self { kind, statements: read })
    }
}

/// One statement's elements, not read yet.
struct Elements<'a> {
    kind: PolicyKind,
    /// The version has policy variables.
    variables: bool,
    all: &'a Map<String, Value>,
}

impl<'a> Elements<'a> {
    fn new(kind: PolicyKind, variables: bool, value: &'a Value) -> Result<Self, Fault> {
        let all = value
            .as_object()
            .ok_or_else(|| Fault::new(value.to_string(), format!("is no object: {SYNTAX}")))?;
        match all.keys().find(|name| !STATEMENT.contains(&name.as_str())) {
            Some(name) => Err(Fault::new(name, format!("is not an element of a statement: {SYNTAX}"))),
            None => Ok(Self { kind, variables, all }),
        }
    }

    fn read(self) -> Result<Statement, Fault> {
        let effect = match self.all.get("Effect").map(Value::as_str) {
            Some(Some("Allow")) => Effect::Allow,
            Some(Some("Deny")) => Effect::Deny,
            _ => return Err(Fault::new("Effect", format!("must be Allow or Deny: {SYNTAX}"))),
        };
        Ok(Statement {
            sid: self.sid()?,
            effect,
            principals: self.principals(effect)?,
            actions: self.actions()?,
            resources: self.resources()?,
            conditions: self.conditions()?,
        })
    }

    fn sid(&self) -> Result<Option<String>, Fault> {
        let Some(sid) = self.all.get("Sid") else { return Ok(None) };
        let sid = sid.as_str().ok_or_else(|| Fault::new("Sid", format!("must be a text: {SYNTAX}")))?;
        // Some services take more in policies of their resources (AWS: IAM JSON policy elements: Sid).
        let is_ours = matches!(self.kind, PolicyKind::Identity | PolicyKind::Trust);
        if is_ours && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Fault::new(
                sid,
                "must be a Sid of [0-9A-Za-z]*: Statement IDs (SID) must be alpha-numeric.",
            ));
        }
        Ok(Some(sid.to_owned()).filter(|sid| !sid.is_empty()))
    }

    /// The element of a pair that is there; both or, in `of`, something else than texts are refused.
    fn pair(
        &self,
        positive: &'static str,
        negative: &'static str,
    ) -> Result<Option<(&'a Value, bool)>, Fault> {
        match (self.all.get(positive), self.all.get(negative)) {
            (Some(_), Some(_)) => {
                Err(Fault::new(negative, format!("must not stand beside {positive}: {SYNTAX}")))
            }
            (Some(value), None) => Ok(Some((value, false))),
            (None, Some(value)) => Ok(Some((value, true))),
            (None, None) => Ok(None),
        }
    }

    fn principals(&self, effect: Effect) -> Result<Option<Listed<Named>>, Fault> {
        let pair = self.pair("Principal", "NotPrincipal")?;
        let (value, negated) = match (pair, self.kind) {
            (None, PolicyKind::Identity) => return Ok(None),
            (Some(_), PolicyKind::Identity) => {
                return Err(Fault::new(
                    "Principal",
                    "is set: Policy document should not specify a principal.",
                ));
            }
            (None, _) => return Err(Fault::new("Principal", "is missing: Missing required field Principal")),
            (Some(pair), _) => pair,
        };
        // AWS: AWS JSON policy elements: NotPrincipal, key points.
        if negated && self.kind == PolicyKind::Trust {
            return Err(Fault::new("NotPrincipal", "must not stand in a role's trust policy"));
        }
        if negated && effect == Effect::Allow {
            return Err(Fault::new("NotPrincipal", "must be used with Deny"));
        }
        Ok(Some(Listed { items: named::read(value)?, negated }))
    }

    fn actions(&self) -> Result<Listed<Pattern>, Fault> {
        let (value, negated) = self
            .pair("Action", "NotAction")?
            .ok_or_else(|| Fault::new("Action", "is missing: Policy statement must contain actions."))?;
        let reading = Reading { wildcards: true, variables: false, ignore_case: true };
        let items = texts("Action", value)?.into_iter().map(|action| {
            self.check_action(action)?;
            Pattern::new(action, reading)
        });
        Ok(Listed { items: items.collect::<Result<_, _>>()?, negated })
    }

    fn check_action(&self, action: &str) -> Result<(), Fault> {
        let fault = |rule: &str| Err(Fault::new(action, format!("is no action: {rule}")));
        let is_sts = action.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("sts:"));
        if self.kind == PolicyKind::Trust && !is_sts {
            return fault("AssumeRole policy may only specify STS AssumeRole actions.");
        }
        if action == "*" {
            return Ok(());
        }
        let Some((vendor, name)) = action.split_once(':') else {
            return fault("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
        };
        if name.contains(':') {
            return fault("Actions/Condition can contain only one colon.");
        }
        let of = |text: &str, more: &[u8]| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        if !of(vendor, b"-") {
            return fault(&format!("Vendor {vendor} is not valid"));
        }
        if of(name, b"*?-_.") { Ok(()) } else { fault("it must be of letters, digits, `*` and `?`") }
    }

    fn resources(&self) -> Result<Option<Listed<Pattern>>, Fault> {
        let Some((value, negated)) = self.pair("Resource", "NotResource")? else {
            return match self.kind {
                PolicyKind::Identity => {
                    Err(Fault::new("Resource", "is missing: Policy statement must contain resources."))
                }
                _ => Ok(None),
            };
        };
        if self.kind == PolicyKind::Trust {
            return Err(Fault::new("Resource", "is set: Has prohibited field Resource"));
        }
        let reading = Reading { wildcards: true, variables: self.variables, ignore_case: false };
        let items = texts("Resource", value)?.into_iter().map(|resource| {
            self.check_resource(resource)?;
            Pattern::new(resource, reading)
        });
        Ok(Some(Listed { items: items.collect::<Result<_, _>>()?, negated }))
    }

    fn check_resource(&self, resource: &str) -> Result<(), Fault> {
        if resource == "*" {
            return Ok(());
        }
        let fault = |rule: String| Err(Fault::new(resource, rule));
        let components = components(resource);
        let [first, partition, vendor, .., last] = components.as_slice() else {
            return fault(format!("is no ARN: Resource {resource} must be in ARN format or \"*\"."));
        };
        if *first != "arn" {
            return fault(format!("is no ARN: Resource {resource} must be in ARN format or \"*\"."));
        }
        if !partition.contains('*') && !partition.starts_with("aws") {
            return fault(format!(
                "is no ARN: Partition \"{partition}\" is not valid for resource \"{resource}\"."
            ));
        }
        if vendor.is_empty() || vendor.contains(['*', '?']) {
            return fault(
                "is no ARN: Resource vendor must be fully qualified and cannot contain regexes.".into(),
            );
        }
        // `*` at a component's end takes the components behind it as well (AWS: IAM JSON policy elements: Resource).
        if components.len() < 6 && !last.ends_with('*') {
            return fault("is no ARN: it must have six components, or end with `*`".into());
        }
        // AWS: Variables and tags, "Where you can use policy variables".
        if self.variables && components.iter().take(5).any(|component| component.contains("${")) {
            return fault("has a policy variable before the fifth colon".into());
        }
        Ok(())
    }

    fn conditions(&self) -> Result<Vec<Condition>, Fault> {
        let Some(block) = self.all.get("Condition") else { return Ok(Vec::new()) };
        let object = |name: &str, value: &'a Value| {
            value.as_object().ok_or_else(|| Fault::new(name, format!("must be an object: {SYNTAX}")))
        };
        let mut conditions = Vec::new();
        for (operator, keys) in object("Condition", block)? {
            for (key, values) in object(operator, keys)? {
                let values = match values {
                    Value::Array(values) => values.iter().map(text_of).collect(),
                    value => text_of(value).map(|value| vec![value]),
                };
                let values =
                    values.ok_or_else(|| Fault::new(key, format!("must be a text, or several: {SYNTAX}")))?;
                conditions.push(Condition::new(operator, key, &values, self.variables)?);
            }
        }
        Ok(conditions)
    }
}
