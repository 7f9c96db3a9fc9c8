//! A role's trust policy and session length.

use serde::{Deserialize, Serialize};

use super::super::store::RoleStore;
use super::super::trust;
use super::{Empty, check_document, role_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::principal::Principal;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateAssumeRolePolicy {
    pub role_name: String,
    /// JSON.
    pub policy_document: String,
}

impl Operation for UpdateAssumeRolePolicy {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "UpdateAssumeRolePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        check_document(&self.policy_document)?;
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            role.trust = self.policy_document;
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateRole {
    pub role_name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub max_session_duration: Option<i64>,
}

impl Operation for UpdateRole {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "UpdateRole";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            role.description = self.description;
            role.max_session_duration = self.max_session_duration.unwrap_or(role.max_session_duration);
            Ok(Empty {})
        })
    }
}

/// In process only: whether a principal may assume a role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckTrust {
    pub role_arn: String,
    pub principal: Principal,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckTrustOutput {
    /// False also of a role that does not exist: AWS tells nobody which it is.
    pub trusted: bool,
}

impl Operation for CheckTrust {
    type Output = CheckTrustOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "CheckTrust";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.role_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<CheckTrustOutput, ServiceError> {
        let role = call.cloud.part::<RoleStore>().by_arn(&self.role_arn);
        Ok(CheckTrustOutput { trusted: role.is_some_and(|role| trust::allows(&role.trust, &self.principal)) })
    }
}
