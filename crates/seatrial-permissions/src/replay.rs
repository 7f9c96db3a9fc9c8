//! What was allowed, judged again by other policies.

use seatrial_policy::{Context, NamedPolicy, Policies, Policy, PolicyKind, Principal, Request};
use serde_json::Value;

use crate::record::{Record, Use};

/// The policies of a role under their names. What is no policy allows nothing, as at AWS.
pub(crate) fn identity<'a>(documents: impl Iterator<Item = (&'a str, &'a Value)>) -> Vec<NamedPolicy> {
    documents.filter_map(|(name, document)| named(PolicyKind::Identity, name, document)).collect()
}

pub(crate) fn named(kind: PolicyKind, name: &str, document: &Value) -> Option<NamedPolicy> {
    let policy = Policy::parse(kind, &document.to_string()).ok()?;
    Some(NamedPolicy { name: name.to_owned(), policy })
}

/// Whether a session of the role that used this may do it by these policies of the role. Resources are taken as the
/// role's own account's; their own policies are not asked, which allow a role of the account nothing by themselves here.
pub(crate) fn allows(record: &Record, policies: &[NamedPolicy], used: &Use) -> bool {
    let role = used.principal.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sts::{}:assumed-role/{role}/session", record.account);
    let principal = Principal::RoleSession { arn, role_arn: used.principal.clone() };
    decide(record, &principal, Policies { identity: policies, ..Policies::default() }, used)
}

/// Whether whoever assumed a role may do so by this trust policy.
pub(crate) fn trusts(record: &Record, trust: Option<&NamedPolicy>, used: &Use) -> bool {
    let principal = match used.principal.starts_with("arn:") {
        false => Principal::Service { name: used.principal.clone() },
        true if used.principal.contains(":role/") => {
            let role = used.principal.rsplit('/').next().unwrap_or_default();
            let arn = format!("arn:aws:sts::{}:assumed-role/{role}/session", record.account);
            Principal::RoleSession { arn, role_arn: used.principal.clone() }
        }
        true => Principal::User { arn: used.principal.clone() },
    };
    decide(record, &principal, Policies { resource: trust, ..Policies::default() }, used)
}

/// The keys are those of the local cloud's door.
fn decide(record: &Record, principal: &Principal, policies: Policies<'_>, used: &Use) -> bool {
    let mut context = Context::of(principal);
    context.insert("aws:SecureTransport", ["true"]);
    context.insert("aws:RequestedRegion", [record.region.as_str()]);
    context.insert("aws:ResourceAccount", [record.account.as_str()]);
    for (key, values) in &used.context {
        context.insert(key, values.clone());
    }
    let request = Request {
        principal,
        action: &used.action,
        resource: &used.resource,
        resource_account: Some(&record.account),
        context: &context,
    };
    policies.decide(&request).is_allowed()
}

/// The policies of a user, parsed once.
pub struct Permits(Vec<NamedPolicy>);

impl Permits {
    pub fn of(documents: &[Value]) -> Self {
        Self(identity(documents.iter().map(|document| ("", document))))
    }

    /// Whether a user with this policy, and no other, may do what somebody did.
    pub fn allow(&self, record: &Record, used: &Use) -> bool {
        let principal = Principal::User { arn: format!("arn:aws:iam::{}:user/somebody", record.account) };
        decide(record, &principal, Policies { identity: &self.0, ..Policies::default() }, used)
    }
}
