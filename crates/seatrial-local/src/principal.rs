//! Who makes a call: the operator, a role somebody assumed, or an AWS service.

use serde::{Deserialize, Serialize};

/// The caller of an operation, as the journal shows it and policies judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Principal {
    /// `arn:aws:iam::ACCOUNT:user/operator`, `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, or the
    /// service's name (`codepipeline.amazonaws.com`).
    pub arn: String,
    /// The unique id that `GetCallerIdentity` answers as `UserId`.
    pub user_id: String,
    pub account: String,
    /// The assumed role's ARN, where a role was assumed: its policies are the ones that count.
    pub role_arn: Option<String>,
    /// JSON, passed when the role was assumed: they limit the session.
    #[serde(default)]
    pub session_policies: Vec<String>,
    /// The program that calls, where its user agent names one: the SDKs' `app/NAME`.
    #[serde(default)]
    pub program: Option<String>,
}

impl Principal {
    /// The user of the local cloud: everything is allowed to it.
    pub fn operator(account: &str) -> Self {
        Self {
            arn: format!("arn:aws:iam::{account}:user/operator"),
            user_id: "AIDALOCALOPERATOR000".to_owned(),
            account: account.to_owned(),
            role_arn: None,
            session_policies: Vec::new(),
            program: None,
        }
    }

    pub fn is_operator(&self) -> bool {
        Self { program: None, ..self.clone() } == Self::operator(&self.account)
    }

    #[must_use]
    pub fn calling_by(self, program: Option<&str>) -> Self {
        Self { program: program.map(str::to_owned), ..self }
    }

    /// An AWS service acting for itself, which only ever assumes a role: `codebuild.amazonaws.com`.
    pub fn service(name: &str, account: &str) -> Self {
        Self {
            arn: name.to_owned(),
            user_id: name.to_owned(),
            account: account.to_owned(),
            role_arn: None,
            session_policies: Vec::new(),
            program: None,
        }
    }

    /// A session of `role_arn` (`arn:aws:iam::ACCOUNT:role/NAME`).
    pub fn assumed_role(role_arn: &str, session: &str, account: &str) -> Self {
        let role = role_arn.rsplit('/').next().unwrap_or(role_arn);
        Self {
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
            user_id: format!("AROA{:0>16}:{session}", crate::id::digits_of(role, 16)),
            account: account.to_owned(),
            role_arn: Some(role_arn.to_owned()),
            session_policies: Vec::new(),
            program: None,
        }
    }
}
