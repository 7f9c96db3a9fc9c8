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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Epoch;

    const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": ["codebuild.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}"#;

    fn allows(trust: &str, principal: &Principal) -> bool {
        let role = RoleRecord {
            name: "build".to_owned(),
            path: "/".to_owned(),
            id: "AROA".to_owned(),
            arn: "arn:aws:iam::000000000000:role/build".to_owned(),
            created: Epoch(0.0),
            trust: trust.to_owned(),
            description: None,
            max_session_duration: 3600,
            tags: Default::default(),
            inline: Default::default(),
            attached: Vec::new(),
        };
        super::allows(&role, principal, &Assumption { session: "s", source_arn: None })
    }

    #[test]
    fn only_the_trusted_service_may_assume_the_role() {
        assert!(allows(TRUST, &Principal::service("codebuild.amazonaws.com", "000000000000")));
        assert!(!allows(TRUST, &Principal::service("ecs-tasks.amazonaws.com", "000000000000")));
        assert!(!allows(TRUST, &Principal::operator("000000000000")));
    }

    #[test]
    fn the_account_s_root_stands_for_everybody_in_it() {
        let trust = TRUST.replace(
            r#""Service": ["codebuild.amazonaws.com"]"#,
            r#""AWS": "arn:aws:iam::000000000000:root""#,
        );
        assert!(allows(&trust, &Principal::operator("000000000000")));
        assert!(!allows(&trust, &Principal::service("codebuild.amazonaws.com", "000000000000")));
    }
}
