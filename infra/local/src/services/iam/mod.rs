//! Identity and Access Management: roles, their trust, their policies.

mod operations;
mod store;
mod trust;

pub(crate) use operations::*;

use serde_json::Value;

use crate::cloud::Cloud;
use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateRole>();
    operations.add::<GetRole>();
    operations.add::<ListRoles>();
    operations.add::<DeleteRole>();
    operations.add::<UpdateAssumeRolePolicy>();
    operations.add::<UpdateRole>();
    operations.add::<PutRolePolicy>();
    operations.add::<GetRolePolicy>();
    operations.add::<DeleteRolePolicy>();
    operations.add::<ListRolePolicies>();
    operations.add::<AttachRolePolicy>();
    operations.add::<DetachRolePolicy>();
    operations.add::<ListAttachedRolePolicies>();
    operations.add::<TagRole>();
    operations.add::<UntagRole>();
    operations.add::<ListRoleTags>();
    operations.add::<GetUser>();
    operations.add::<ListAccountAliases>();
    operations.add::<CheckTrust>();
}

/// The inline policies of the role `role_arn`, for the one door, which cannot call through itself. `None`:
/// there is no such role.
pub(crate) fn policies_of(cloud: &Cloud, role_arn: &str) -> Option<Vec<Value>> {
    let role = cloud.part::<store::RoleStore>().by_arn(role_arn)?;
    Some(role.inline.values().filter_map(|text| serde_json::from_str(text).ok()).collect())
}
