//! Trust policies: who may assume a role.

use seatrial_policy::{Context, NamedPolicy, Policies, Policy, PolicyKind, Request};

use super::store::RoleRecord;
use crate::principal::Principal;

/// What somebody asks who wants to assume a role.
pub(crate) struct Assumption<'a> {
    /// The caller's own name for the session.
    pub session: &'a str,
    /// For which resource a service acts; people and roles say none.
    pub source_arn: Option<&'a str>,
}

/// What the operator may: everything that an account can give.
const OPERATOR: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

/// Whether the role's trust policy lets `principal` assume it. What was kept as a policy and is none lets nobody.
pub(super) fn allows(role: &RoleRecord, principal: &Principal, asked: &Assumption<'_>) -> bool {
    let Ok(policy) = Policy::parse(PolicyKind::Trust, &role.trust) else { return false };
    let trust = NamedPolicy { name: role.name.clone(), policy };
    let own = Policy::parse(PolicyKind::Identity, OPERATOR).ok().filter(|_| principal.is_operator());
    let own: Vec<_> =
        own.into_iter().map(|policy| NamedPolicy { name: "operator".to_owned(), policy }).collect();
    let caller = caller(principal);
    let mut context = Context::of(&caller);
    context.insert("sts:RoleSessionName", [asked.session]);
    // A service says for which resource of whose account it acts (AWS: The confused deputy problem).
    if let Some(source) = asked.source_arn {
        context.insert("aws:SourceArn", [source]);
        context.insert("aws:SourceAccount", [&principal.account]);
    }
    let request = Request {
        principal: &caller,
        action: "sts:AssumeRole",
        resource: &role.arn,
        resource_account: None,
        context: &context,
    };
    Policies { identity: &own, resource: Some(&trust), ..Policies::default() }.decide(&request).is_allowed()
}

fn caller(principal: &Principal) -> seatrial_policy::Principal {
    let arn = principal.arn.clone();
    match &principal.role_arn {
        Some(role_arn) => seatrial_policy::Principal::RoleSession { arn, role_arn: role_arn.clone() },
        None if arn.starts_with("arn:") => seatrial_policy::Principal::User { arn },
        None => seatrial_policy::Principal::Service { name: arn },
    }
}
