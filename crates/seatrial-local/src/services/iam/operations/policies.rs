//! Inline policies of roles.

use seatrial_policy::PolicyKind;
use serde::{Deserialize, Serialize};

use super::super::store::{RoleStore, no_such_entity};
use super::{Empty, check_document, encoded, role_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// AWS's limit of all inline policies of a role together, in characters without white space.
const MOST_CHARACTERS: usize = 10_240;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutRolePolicy {
    pub role_name: String,
    pub policy_name: String,
    /// JSON.
    pub policy_document: String,
}

impl Operation for PutRolePolicy {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "PutRolePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        check_document(PolicyKind::Identity, &self.policy_document)?;
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            role.inline.insert(self.policy_name, self.policy_document);
            let characters = role.inline.values().flat_map(|text| text.chars());
            if characters.filter(|c| !c.is_whitespace()).count() > MOST_CHARACTERS {
                let message =
                    format!("Maximum policy size of {MOST_CHARACTERS} bytes exceeded for role {}", role.name);
                return Err(ServiceError::new("LimitExceeded", message).with_status(409));
            }
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRolePolicy {
    pub role_name: String,
    pub policy_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRolePolicyOutput {
    pub role_name: String,
    pub policy_name: String,
    /// JSON, percent-encoded.
    pub policy_document: String,
}

impl Operation for GetRolePolicy {
    type Output = GetRolePolicyOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "GetRolePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<GetRolePolicyOutput, ServiceError> {
        let role = call.cloud.part::<RoleStore>().role(&self.role_name)?;
        let document = role.inline.get(&self.policy_name).ok_or_else(|| no_such_policy(&self.policy_name))?;
        let policy_document = encoded(document);
        Ok(GetRolePolicyOutput { role_name: role.name, policy_name: self.policy_name, policy_document })
    }
}

fn no_such_policy(name: &str) -> ServiceError {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRolePolicy {
    pub role_name: String,
    pub policy_name: String,
}

impl Operation for DeleteRolePolicy {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "DeleteRolePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            role.inline.remove(&self.policy_name).ok_or_else(|| no_such_policy(&self.policy_name))?;
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRolePolicies {
    pub role_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRolePoliciesOutput {
    pub policy_names: Vec<String>,
    pub is_truncated: bool,
}

impl Operation for ListRolePolicies {
    type Output = ListRolePoliciesOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "ListRolePolicies";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<ListRolePoliciesOutput, ServiceError> {
        let role = call.cloud.part::<RoleStore>().role(&self.role_name)?;
        let policy_names = role.inline.into_keys().collect();
        Ok(ListRolePoliciesOutput { policy_names, is_truncated: false })
    }
}
