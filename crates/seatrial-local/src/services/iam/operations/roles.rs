//! Roles.

use seatrial_policy::PolicyKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::store::{RoleRecord, RoleStore};
use super::boundaries::check_boundary;
use super::{Empty, check_document, encoded, role_arn};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateRole {
    pub role_name: String,
    #[serde(default)]
    pub path: Option<String>,
    /// JSON.
    pub assume_role_policy_document: String,
    #[serde(default)]
    pub description: Option<String>,
    /// Seconds, 3600 unless told otherwise.
    #[serde(default)]
    pub max_session_duration: Option<i64>,
    /// The ARN of a managed policy.
    #[serde(default)]
    pub permissions_boundary: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Boundary {
    pub permissions_boundary_type: &'static str,
    pub permissions_boundary_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Role {
    pub path: String,
    pub role_name: String,
    pub role_id: String,
    pub arn: String,
    pub create_date: Epoch,
    /// JSON, percent-encoded.
    pub assume_role_policy_document: String,
    pub description: Option<String>,
    /// Creation does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_session_duration: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    pub tags: Vec<Tag>,
    /// Told of one role alone; nobody records here when a role was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_last_used: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RoleOutput {
    pub role: Role,
}

impl RoleOutput {
    /// Of a role that was just made (recorded: `test_create_describe_role`).
    pub(super) fn made(record: RoleRecord) -> Self {
        Self { role: Role { max_session_duration: None, ..record.into() } }
    }
}

impl From<RoleRecord> for Role {
    fn from(record: RoleRecord) -> Self {
        Self {
            path: record.path,
            role_name: record.name,
            role_id: record.id,
            arn: record.arn,
            create_date: record.created,
            assume_role_policy_document: encoded(&record.trust),
            description: record.description,
            max_session_duration: Some(record.max_session_duration),
            // The one type that the model has, though the API reference says `Policy`.
            permissions_boundary: record.boundary.map(|permissions_boundary_arn| Boundary {
                permissions_boundary_type: "PermissionsBoundaryPolicy",
                permissions_boundary_arn,
            }),
            tags: tags::list(record.tags),
            role_last_used: None,
        }
    }
}

impl Operation for CreateRole {
    type Output = RoleOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "CreateRole";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<RoleOutput, ServiceError> {
        check_name(&self.role_name)?;
        check_document(PolicyKind::Trust, &self.assume_role_policy_document)?;
        let store = call.cloud.part::<RoleStore>();
        if let Some(boundary) = &self.permissions_boundary {
            check_boundary(&store, boundary)?;
        }
        let path = self.path.unwrap_or_else(|| "/".to_owned());
        let record = RoleRecord {
            id: format!("AROA{:0>16}", crate::id::digits_of(&self.role_name, 16)),
            arn: format!("arn:aws:iam::{}:role{path}{}", call.cloud.account(), self.role_name),
            path,
            name: self.role_name,
            created: call.cloud.clock().now(),
            trust: self.assume_role_policy_document,
            description: self.description,
            max_session_duration: self.max_session_duration.unwrap_or(3600),
            tags: tags::map(self.tags),
            inline: Default::default(),
            attached: Vec::new(),
            boundary: self.permissions_boundary,
        };
        if !store.roles.insert_new(&record.name, &record)? {
            let message = format!("Role with name {} already exists.", record.name);
            return Err(ServiceError::new("EntityAlreadyExists", message).with_status(409));
        }
        Ok(RoleOutput::made(record))
    }
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        return Err(ServiceError::validation(format!(
            "1 validation error detected: Value '{name}' at 'roleName' failed to satisfy constraint: Member \
             must have length less than or equal to 64 and satisfy regular expression pattern: [\\w+=,.@-]+"
        )));
    }
    Ok(())
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRole {
    pub role_name: String,
}

impl Operation for GetRole {
    type Output = RoleOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "GetRole";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<RoleOutput, ServiceError> {
        let role = call.cloud.part::<RoleStore>().role(&self.role_name)?;
        Ok(RoleOutput { role: Role { role_last_used: Some(json!({})), ..role.into() } })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListRoles {
    pub path_prefix: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRolesOutput {
    pub roles: Vec<Role>,
    pub is_truncated: bool,
}

impl Operation for ListRoles {
    type Output = ListRolesOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "ListRoles";

    async fn handle(self, call: &Call) -> Result<ListRolesOutput, ServiceError> {
        let prefix = self.path_prefix.unwrap_or_default();
        let roles = call.cloud.part::<RoleStore>().roles.values();
        let roles = roles.into_iter().filter(|role| role.path.starts_with(&prefix));
        Ok(ListRolesOutput { roles: roles.map(Role::from).collect(), is_truncated: false })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRole {
    pub role_name: String,
}

impl Operation for DeleteRole {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "DeleteRole";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<RoleStore>();
        let role = store.role(&self.role_name)?;
        role.check_modifiable()?;
        let conflict = |message: &str| Err(ServiceError::new("DeleteConflict", message).with_status(409));
        if !role.attached.is_empty() {
            return conflict("Cannot delete entity, must detach all policies first.");
        }
        if !role.inline.is_empty() {
            return conflict("Cannot delete entity, must delete policies first.");
        }
        store.roles.remove(&self.role_name)?;
        Ok(Empty {})
    }
}
