//! A policy document, read once: statements that know whether they apply to a request.

use crate::condition::Condition;
use crate::kind::{Effect, PolicyKind};
use crate::pattern::Pattern;
use crate::principal::{Named, Naming, is_spared};
use crate::request::Request;

/// A policy document; [`Policy::parse`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) kind: PolicyKind,
    pub(crate) statements: Vec<Statement>,
}

/// A statement of a policy, known by its index (from 0) and its Sid.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    /// None in policies of identities, which apply to whom they are attached to.
    pub(crate) principals: Option<Listed<Named>>,
    pub(crate) actions: Listed<Pattern>,
    /// None where the policy is the resource's own and names none.
    pub(crate) resources: Option<Listed<Pattern>>,
    pub(crate) conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, and the other pairs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed<T> {
    pub items: Vec<T>,
    /// The element is a `Not...`: what is not listed is meant.
    pub negated: bool,
}

impl Policy {
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

impl Statement {
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether the statement applies, and how close it names the caller. `has_boundary`: the caller has a permissions
    /// boundary.
    pub(crate) fn applies(&self, request: &Request<'_>, has_boundary: bool) -> Option<Naming> {
        let covers = |listed: &Listed<Pattern>, text: &str| {
            listed.items.iter().any(|pattern| pattern.matches(text, request.context)) != listed.negated
        };
        if !covers(&self.actions, request.action) {
            return None;
        }
        if !self.resources.as_ref().is_none_or(|resources| covers(resources, request.resource)) {
            return None;
        }
        let naming = self.naming(request, has_boundary)?;
        self.conditions
            .iter()
            .all(|condition| condition.is_met(request.context, self.effect))
            .then_some(naming)
    }

    fn naming(&self, request: &Request<'_>, has_boundary: bool) -> Option<Naming> {
        let Some(principals) = &self.principals else { return Some(Naming::Direct) };
        if principals.negated {
            // "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
            // boundary policy attached" (AWS: AWS JSON policy elements: NotPrincipal).
            let is_meant = has_boundary || !is_spared(&principals.items, request.principal);
            return is_meant.then_some(Naming::Direct);
        }
        principals.items.iter().filter_map(|named| named.naming(request.principal)).max()
    }
}
