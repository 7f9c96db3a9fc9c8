//! Who calls, and the policies that count for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use seatrial_policy::{Decision, NamedPolicy, Policies, Policy, PolicyKind, Principal, Request};

use crate::cloud::{Cloud, Part, Setup};
use crate::principal;
use crate::services::iam;

/// What the operator may: everything that an account can give. So may service-linked roles, whose policies are AWS's.
const EVERYTHING: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

/// So many sets of documents are kept parsed.
const KEPT: usize = 1_000;

/// Names with documents.
type Texts = Vec<(String, String)>;

type Kept = HashMap<(PolicyKind, Texts), Arc<[NamedPolicy]>>;

/// Documents that were parsed already: the same ones are asked again at every call.
pub(super) struct Parsed(Mutex<Kept>);

impl Part for Parsed {
    fn open(_setup: &Setup) -> Self {
        Self(Mutex::default())
    }
}

impl Parsed {
    /// The documents under their names, without those that are no policies: these allow nothing.
    pub(super) fn policies(&self, kind: PolicyKind, texts: Texts) -> Arc<[NamedPolicy]> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (kind, texts);
        if let Some(found) = kept.get(&key) {
            return Arc::clone(found);
        }
        let parsed = key.1.iter().filter_map(|(name, text)| {
            let policy = Policy::parse(kind, text).ok()?;
            Some(NamedPolicy { name: name.clone(), policy })
        });
        let parsed: Arc<[NamedPolicy]> = parsed.collect();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&parsed));
        parsed
    }
}

/// A caller with its policies.
pub(super) struct Subject {
    pub caller: Principal,
    identity: Arc<[NamedPolicy]>,
    /// One at the most.
    boundary: Arc<[NamedPolicy]>,
    session: Arc<[NamedPolicy]>,
    /// Whether any of them asks for tags of resources.
    pub asks_for_tags: bool,
}

/// Whether a document asks for tags of resources, in a condition's key or a variable. Keys are the same in any case.
pub(super) fn asks_for_tags(document: &str) -> bool {
    document.to_ascii_lowercase().contains(":resourcetag/")
}

impl Subject {
    pub(super) fn of(cloud: &Cloud, principal: &principal::Principal) -> Self {
        let parsed = cloud.part::<Parsed>();
        let everything = || vec![("everything".to_owned(), EVERYTHING.to_owned())];
        let role = principal.role_arn.as_deref();
        let policies = role.and_then(|arn| iam::policies_of(cloud, arn));
        let boundary = policies.as_ref().and_then(|policies| policies.boundary.clone());
        let identity = match (role, policies) {
            (Some(arn), _) if iam::is_service_linked(cloud, arn) => everything(),
            (Some(_), Some(policies)) => policies.identity,
            (None, _) if principal.is_operator() => everything(),
            _ => Vec::new(),
        };
        let session = principal.session_policies.iter().enumerate();
        let session = session.map(|(index, text)| (format!("session policy {index}"), text.clone()));
        let session: Texts = session.collect();
        let mut texts = identity.iter().chain(&boundary).chain(&session);
        let asks_for_tags = texts.any(|(_, text)| asks_for_tags(text));
        let identities = |texts: Texts| parsed.policies(PolicyKind::Identity, texts);
        Self {
            asks_for_tags,
            caller: caller(principal),
            identity: identities(identity),
            boundary: identities(boundary.into_iter().collect()),
            session: identities(session),
        }
    }

    pub(super) fn decide<'a>(&'a self, own: &'a [NamedPolicy], request: &Request<'_>) -> Decision<'a> {
        let Self { identity, boundary, session, .. } = self;
        Policies { identity, boundary: boundary.first(), session, resource: own.first() }.decide(request)
    }
}

fn caller(principal: &principal::Principal) -> Principal {
    let arn = principal.arn.clone();
    match &principal.role_arn {
        Some(role_arn) => Principal::RoleSession { arn, role_arn: role_arn.clone() },
        None if arn.starts_with("arn:") => Principal::User { arn },
        None => Principal::Service { name: arn },
    }
}
