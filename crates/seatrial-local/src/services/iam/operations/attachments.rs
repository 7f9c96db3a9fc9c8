//! Managed policies attached to roles, by ARN.

use serde::{Deserialize, Serialize};

use super::super::store::{RoleStore, no_such_entity};
use super::{Empty, role_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// AWS's default quota.
const MOST_ATTACHED: usize = 10;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachRolePolicy {
    pub role_name: String,
    pub policy_arn: String,
}

impl Operation for AttachRolePolicy {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "AttachRolePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        if !self.policy_arn.starts_with("arn:") || !self.policy_arn.contains(":policy/") {
            // Recorded: `test_role_attach_policy`.
            return Err(ServiceError::validation("Invalid ARN:  Could not be parsed!"));
        }
        let store = call.cloud.part::<RoleStore>();
        if !store.is_attachable(&self.policy_arn) {
            // As pulumi/pulumi#7419 quotes AWS.
            let message = format!("Policy {} does not exist or is not attachable.", self.policy_arn);
            return Err(no_such_entity(message));
        }
        store.change(&self.role_name, |role| {
            if role.attached.contains(&self.policy_arn) {
                return Ok(Empty {});
            }
            if role.attached.len() == MOST_ATTACHED {
                let message = format!("Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}");
                return Err(ServiceError::new("LimitExceeded", message).with_status(409));
            }
            role.attached.push(self.policy_arn);
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DetachRolePolicy {
    pub role_name: String,
    pub policy_arn: String,
}

impl Operation for DetachRolePolicy {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "DetachRolePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            let before = role.attached.len();
            role.attached.retain(|arn| *arn != self.policy_arn);
            if role.attached.len() == before {
                return Err(no_such_entity(format!("Policy {} was not found.", self.policy_arn)));
            }
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAttachedRolePolicies {
    pub role_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAttachedRolePoliciesOutput {
    pub attached_policies: Vec<AttachedPolicy>,
    pub is_truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachedPolicy {
    pub policy_name: String,
    pub policy_arn: String,
}

impl Operation for ListAttachedRolePolicies {
    type Output = ListAttachedRolePoliciesOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "ListAttachedRolePolicies";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<ListAttachedRolePoliciesOutput, ServiceError> {
        let role = call.cloud.part::<RoleStore>().role(&self.role_name)?;
        let policies = role.attached.into_iter().map(|policy_arn| AttachedPolicy {
            policy_name: policy_arn.rsplit('/').next().unwrap_or(&policy_arn).to_owned(),
            policy_arn,
        });
        Ok(ListAttachedRolePoliciesOutput { attached_policies: policies.collect(), is_truncated: false })
    }
}
