//! A role's trust policy and session length.

use seatrial_policy::PolicyKind;
use serde::{Deserialize, Serialize};

use super::super::store::RoleStore;
use super::{Empty, check_document, role_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Serialize)]
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
        check_document(PolicyKind::Trust, &self.policy_document)?;
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            role.trust = self.policy_document;
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize, Serialize)]
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
