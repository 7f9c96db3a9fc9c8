//! One documented case: policies, a request, and what AWS says comes out.

#![expect(clippy::panic, reason = "a test fails by panicking, in its support too")]

use seatrial_policy::{
    Context, Layer, NamedPolicy, Policies, Policy, PolicyKind, Principal, Request, Verdict,
};

pub const ACCOUNT: &str = "111122223333";

/// What AWS documents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    Allowed,
    /// An explicit deny in a policy of that type.
    Denied(Layer),
    /// An implicit one, for lack of a policy of that type.
    NotAllowed(Layer),
}

pub struct Case {
    source: &'static str,
    claim: &'static str,
    identity: Vec<NamedPolicy>,
    boundary: Option<NamedPolicy>,
    session: Vec<NamedPolicy>,
    resource: Option<NamedPolicy>,
    principal: Principal,
    action: String,
    resource_arn: String,
    resource_account: Option<&'static str>,
    context: Context,
    outcome: Outcome,
    message: Option<String>,
}

/// The page of the IAM user guide, and what it says. Without more: an IAM user of no permissions.
pub fn case(source: &'static str, claim: &'static str) -> Case {
    let principal = Principal::User { arn: format!("arn:aws:iam::{ACCOUNT}:user/alice") };
    Case {
        source,
        claim,
        identity: Vec::new(),
        boundary: None,
        session: Vec::new(),
        resource: None,
        context: Context::of(&principal),
        principal,
        action: String::new(),
        resource_arn: String::new(),
        resource_account: None,
        outcome: Outcome::Allowed,
        message: None,
    }
}

/// One statement as a document of the current version.
pub fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn named(kind: PolicyKind, text: &str) -> NamedPolicy {
    let policy = Policy::parse(kind, text).unwrap_or_else(|error| panic!("{error}: {text}"));
    NamedPolicy { name: format!("{kind:?}"), policy }
}

impl Case {
    pub fn identity(mut self, text: &str) -> Self {
        self.identity.push(named(PolicyKind::Identity, text));
        self
    }

    pub fn boundary(mut self, text: &str) -> Self {
        self.boundary = Some(named(PolicyKind::Identity, text));
        self
    }

    pub fn session(mut self, text: &str) -> Self {
        self.session.push(named(PolicyKind::Identity, text));
        self
    }

    pub fn of_resource(mut self, kind: PolicyKind, text: &str) -> Self {
        self.resource = Some(named(kind, text));
        self
    }

    pub fn user(self, arn: &str) -> Self {
        self.by(Principal::User { arn: arn.to_owned() })
    }

    /// A session of a role in [`ACCOUNT`].
    pub fn role(self, role: &str, session: &str) -> Self {
        let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}");
        self.by(Principal::RoleSession { arn, role_arn: format!("arn:aws:iam::{ACCOUNT}:role/{role}") })
    }

    pub fn service(self, name: &str) -> Self {
        self.by(Principal::Service { name: name.to_owned() })
    }

    /// Before [`Case::with`]: the principal brings its own keys.
    fn by(mut self, principal: Principal) -> Self {
        self.context = Context::of(&principal);
        self.principal = principal;
        self
    }

    pub fn asks(mut self, action: &str, resource: &str) -> Self {
        self.action = action.to_owned();
        self.resource_arn = resource.to_owned();
        self
    }

    pub fn owned_by(mut self, account: &'static str) -> Self {
        self.resource_account = Some(account);
        self
    }

    pub fn with(mut self, key: &str, values: &[&str]) -> Self {
        self.context.insert(key, values.iter().copied());
        self
    }

    pub fn is(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// What the denial says behind `on resource: RESOURCE`.
    pub fn says(mut self, because: &str) -> Self {
        let (who, action, resource) = (self.principal.name(), &self.action, &self.resource_arn);
        let message =
            format!("User: {who} is not authorized to perform: {action} on resource: {resource} {because}");
        self.message = Some(message);
        self
    }

    /// None where the decision is AWS's.
    pub fn fault(&self) -> Option<String> {
        let request = Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource_arn,
            resource_account: self.resource_account,
            context: &self.context,
        };
        let policies = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            session: &self.session,
            resource: self.resource.as_ref(),
        };
        let decision = policies.decide(&request);
        let outcome = match decision.verdict {
            Verdict::Allowed(_) => Outcome::Allowed,
            Verdict::Denied(by) => Outcome::Denied(by.layer),
            Verdict::NotAllowed(layer) => Outcome::NotAllowed(layer),
        };
        let message = decision.denial(&request);
        let is_said = self.message.is_none() || self.message == message;
        let is_right = outcome == self.outcome && is_said;
        (!is_right).then(|| {
            let Self { source, claim, outcome: expected, .. } = self;
            format!("{source}: {claim}: expected {expected:?}, found {outcome:?} ({message:?})")
        })
    }
}
