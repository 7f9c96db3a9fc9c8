//! Permissions boundaries of roles: a managed policy beyond which a role may nothing.

use serde::{Deserialize, Serialize};

use super::super::store::{RoleStore, no_such_entity};
use super::{Empty, role_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Refuses what is no managed policy that is there.
pub(super) fn check_boundary(store: &RoleStore, arn: &str) -> Result<(), ServiceError> {
    if !arn.starts_with("arn:") || !arn.contains(":policy/") {
        return Err(ServiceError::validation(format!("ARN {arn} is not valid.")));
    }
    if store.is_attachable(arn) {
        return Ok(());
    }
    // No source was found for these words; the code is one that the API reference lists for the operation (NoSuchEntity).
    Err(no_such_entity(format!("Scope ARN: {arn} does not exist or is not attachable.")))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutRolePermissionsBoundary {
    pub role_name: String,
    pub permissions_boundary: String,
}

impl Operation for PutRolePermissionsBoundary {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "PutRolePermissionsBoundary";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<RoleStore>();
        check_boundary(&store, &self.permissions_boundary)?;
        store.change(&self.role_name, |role| {
            role.boundary = Some(self.permissions_boundary);
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRolePermissionsBoundary {
    pub role_name: String,
}

impl Operation for DeleteRolePermissionsBoundary {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "DeleteRolePermissionsBoundary";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            if role.boundary.take().is_none() {
                let message = format!("Role {} does not have a permissions boundary.", role.name);
                return Err(no_such_entity(message));
            }
            Ok(Empty {})
        })
    }
}
