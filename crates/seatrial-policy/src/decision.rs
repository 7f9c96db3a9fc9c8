//! How policies of several types decide together, for a request within one account or across two.
//!
//! AWS: How AWS enforcement code logic evaluates requests to allow or deny access, and Policy evaluation logic:
//!
//! ```text
//! any Deny that applies              -> denied
//! policy of the resource names ...   ... in the same account
//!   the caller itself, or everyone   -> allowed
//!   the role of the session          -> boundary and session policies must allow, too
//!   the account, or nobody           -> identity-based, boundary and session policies must allow
//!                                       (a key's and a trust policy must have named somebody)
//! resource of another account        -> all of them must allow
//! ```

use crate::kind::{Effect, Layer, PolicyKind};
use crate::policy::Policy;
use crate::principal::{Naming, Principal};
use crate::request::Request;

/// A policy and what it is called: its name, or its ARN.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedPolicy {
    pub name: String,
    pub policy: Policy,
}

/// All policies that apply to a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Of the user or role, inline and attached.
    pub identity: &'a [NamedPolicy],
    pub boundary: Option<&'a NamedPolicy>,
    /// Passed when the session was made; none means that the session is not limited.
    pub session: &'a [NamedPolicy],
    /// The resource's own: a bucket's, a key's, a role's trust policy.
    pub resource: Option<&'a NamedPolicy>,
}

/// A statement that applies to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match<'a> {
    pub layer: Layer,
    /// The policy's name.
    pub policy: &'a str,
    /// From 0.
    pub statement: usize,
    pub sid: Option<&'a str>,
    pub effect: Effect,
    /// How close a policy of the resource names the caller; always direct elsewhere.
    pub naming: Naming,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// By the identity-based statement, or by the resource's where that decided.
    Allowed(Match<'a>),
    /// An explicit deny.
    Denied(Match<'a>),
    /// An implicit deny: no policy of that type allows it.
    NotAllowed(Layer),
}

/// A verdict, and every statement that applied: the first is not always the only one that allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    pub verdict: Verdict<'a>,
    pub matches: Vec<Match<'a>>,
}

impl Decision<'_> {
    pub fn is_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allowed(_))
    }
}

impl<'a> Policies<'a> {
    /// Decides as AWS does. Root users and service control policies are not known here.
    pub fn decide(&self, request: &Request<'_>) -> Decision<'a> {
        let matches = self.matches(request);
        let verdict = match matches.iter().find(|found| found.effect == Effect::Deny) {
            Some(deny) => Verdict::Denied(*deny),
            None => self.among_allows(request, &matches),
        };
        Decision { verdict, matches }
    }

    fn matches(&self, request: &Request<'_>) -> Vec<Match<'a>> {
        let mut matches = Vec::new();
        let layers = [
            (Layer::Identity, self.identity),
            (Layer::Boundary, self.boundary.map(std::slice::from_ref).unwrap_or_default()),
            (Layer::Session, self.session),
            (self.resource_layer(), self.resource.map(std::slice::from_ref).unwrap_or_default()),
        ];
        for (layer, policies) in layers {
            for NamedPolicy { name, policy } in policies {
                for (statement, of) in policy.statements().iter().enumerate() {
                    let Some(naming) = of.applies(request, self.boundary.is_some()) else { continue };
                    let (sid, effect) = (of.sid(), of.effect());
                    matches.push(Match { layer, policy: name, statement, sid, effect, naming });
                }
            }
        }
        matches
    }

    fn resource_layer(&self) -> Layer {
        match self.resource.map(|named| named.policy.kind()) {
            Some(PolicyKind::Trust) => Layer::Trust,
            _ => Layer::Resource,
        }
    }

    /// Nothing denies: what allows?
    fn among_allows(&self, request: &Request<'_>, matches: &[Match<'a>]) -> Verdict<'a> {
        let layer = self.resource_layer();
        // Of several the closest counts: an account that is named as well takes nothing away.
        let by_resource =
            matches.iter().filter(|found| found.layer == layer).max_by_key(|found| found.naming);
        let missing = |layer: Layer| !matches.iter().any(|found| found.layer == layer);
        let limited = if self.boundary.is_some() && missing(Layer::Boundary) {
            Some(Layer::Boundary)
        } else if !self.session.is_empty() && missing(Layer::Session) {
            Some(Layer::Session)
        } else {
            None
        };
        let by_identity = || match (matches.iter().find(|found| found.layer == Layer::Identity), limited) {
            (None, _) => Verdict::NotAllowed(Layer::Identity),
            (Some(_), Some(limit)) => Verdict::NotAllowed(limit),
            (Some(found), None) => Verdict::Allowed(*found),
        };
        let must_allow = self.resource.is_some_and(|named| named.policy.kind().must_allow())
            || matches!(request.principal, Principal::Service { .. })
            || request.crosses_accounts();
        match by_resource {
            None if must_allow => Verdict::NotAllowed(layer),
            None => by_identity(),
            Some(_) if request.crosses_accounts() => by_identity(),
            Some(found) => match (found.naming, limited) {
                (Naming::Direct, _) | (Naming::Role, None) => Verdict::Allowed(*found),
                (Naming::Role, Some(limit)) => Verdict::NotAllowed(limit),
                (Naming::Account, _) => by_identity(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;

    fn named(name: &str, kind: PolicyKind, statements: &str) -> NamedPolicy {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        NamedPolicy { name: name.to_owned(), policy: Policy::parse(kind, &text).unwrap() }
    }

    fn places<'a>(decision: &Decision<'a>) -> Vec<(Layer, &'a str, usize, Option<&'a str>)> {
        let place = |found: &Match<'a>| (found.layer, found.policy, found.statement, found.sid);
        decision.matches.iter().map(place).collect()
    }

    /// Asks as a session of the role `app` to put an object.
    fn put<'a>(policies: &Policies<'a>) -> Decision<'a> {
        let principal = Principal::RoleSession {
            arn: "arn:aws:sts::111122223333:assumed-role/app/s".to_owned(),
            role_arn: "arn:aws:iam::111122223333:role/app".to_owned(),
        };
        policies.decide(&Request {
            principal: &principal,
            action: "s3:PutObject",
            resource: "arn:aws:s3:::b/k",
            resource_account: None,
            context: &Context::of(&principal),
        })
    }

    #[test]
    fn a_decision_names_every_statement_that_applies_and_the_first_that_allows() {
        let get = r#"{"Sid":"Get","Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#;
        let all = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
        let put_too =
            r#"{"Sid":"Put","Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}"#;
        let identity = [
            named("first", PolicyKind::Identity, &format!("{get},{put_too}")),
            named("second", PolicyKind::Identity, all),
        ];
        let boundary = named("boundary", PolicyKind::Identity, all);

        let decision =
            put(&Policies { identity: &identity, boundary: Some(&boundary), ..Policies::default() });

        let expected = [
            (Layer::Identity, "first", 1, Some("Put")),
            (Layer::Identity, "second", 0, None),
            (Layer::Boundary, "boundary", 0, None),
        ];
        assert_eq!(places(&decision), expected);
        assert_eq!(decision.verdict, Verdict::Allowed(decision.matches[0]));
    }

    #[test]
    fn a_decision_names_the_statement_that_denies() {
        let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let deny = r#"{"Sid":"NoAcl","Effect":"Deny","Principal":"*","Action":"s3:Put*","Resource":"*"}"#;
        let identity = [named("all", PolicyKind::Identity, all)];
        let bucket = named("bucket", PolicyKind::Resource, deny);

        let decision = put(&Policies { identity: &identity, resource: Some(&bucket), ..Policies::default() });

        let Verdict::Denied(by) = decision.verdict else { panic!("{decision:?}") };
        assert_eq!((by.layer, by.policy, by.sid), (Layer::Resource, "bucket", Some("NoAcl")));
        assert!(!decision.is_allowed());
    }

    #[test]
    fn what_the_resource_allows_by_itself_is_named_as_its_statement() {
        let grant = r#"{"Sid":"App","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},
            "Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}"#;
        let account =
            r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}"#;
        let statements = format!("{account},{grant},{account}");
        let bucket = named("bucket", PolicyKind::Resource, &statements);

        let decision = put(&Policies { resource: Some(&bucket), ..Policies::default() });

        let Verdict::Allowed(by) = decision.verdict else { panic!("{decision:?}") };
        assert_eq!((by.layer, by.sid, by.naming), (Layer::Resource, Some("App"), Naming::Role));
    }
}
