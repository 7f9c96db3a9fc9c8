//! The operations of IAM.

mod account;
mod attachments;
mod boundaries;
mod linked_role;
mod managed;
mod policies;
mod roles;
mod tags;
mod trust;

pub(crate) use account::{GetUser, ListAccountAliases};
pub(crate) use attachments::{AttachRolePolicy, DetachRolePolicy, ListAttachedRolePolicies};
pub(crate) use boundaries::{DeleteRolePermissionsBoundary, PutRolePermissionsBoundary};
pub(crate) use linked_role::CreateServiceLinkedRole;
pub(crate) use managed::{
    CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion, GetPolicy, GetPolicyVersion,
    ListPolicyVersions,
};
pub(crate) use policies::{DeleteRolePolicy, GetRolePolicy, ListRolePolicies, PutRolePolicy};
pub(crate) use roles::{CreateRole, DeleteRole, GetRole, ListRoles};
pub(crate) use tags::{ListRoleTags, TagRole, UntagRole};
pub(crate) use trust::{UpdateAssumeRolePolicy, UpdateRole};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use seatrial_policy::{Policy, PolicyError, PolicyKind};
use serde::Serialize;

use super::store::RoleStore;
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// The answer of an operation that answers nothing.
#[derive(Serialize)]
pub(crate) struct Empty {}

/// The ARN of a role that may have a path; of one that does not exist, without.
fn role_arn(cloud: &Cloud, name: &str) -> String {
    let found = cloud.part::<RoleStore>().roles.get(name);
    found.map_or_else(|| format!("arn:aws:iam::{}:role/{name}", cloud.account()), |role| role.arn)
}

/// Policy documents are answered percent-encoded, and AWS's clients decode them.
fn encoded(document: &str) -> String {
    utf8_percent_encode(document, NON_ALPHANUMERIC).to_string()
}

/// Refuses what is no policy, in AWS's words, with what is wrong behind them.
pub(crate) fn check_document(kind: PolicyKind, text: &str) -> Result<(), ServiceError> {
    let malformed = |message| ServiceError::new("MalformedPolicyDocument", message);
    match Policy::parse(kind, text) {
        Ok(_) => Ok(()),
        Err(PolicyError::Json { .. }) => Err(malformed("This policy contains invalid Json".to_owned())),
        Err(error) => Err(malformed(error.to_string())),
    }
}
