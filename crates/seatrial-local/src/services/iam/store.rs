//! Roles by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::managed;
use super::service_roles::LINKED_PATH;
use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RoleRecord {
    pub name: String,
    /// `/` unless told otherwise.
    pub path: String,
    pub id: String,
    pub arn: String,
    pub created: Epoch,
    /// JSON, as it was given.
    pub trust: String,
    pub description: Option<String>,
    /// Seconds.
    pub max_session_duration: i64,
    pub tags: BTreeMap<String, String>,
    /// JSON by policy name.
    pub inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub attached: Vec<String>,
    /// The ARN of a managed policy.
    #[serde(default)]
    pub boundary: Option<String>,
}

/// A managed policy of the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PolicyRecord {
    pub name: String,
    pub path: String,
    pub id: String,
    pub arn: String,
    pub created: Epoch,
    pub updated: Epoch,
    pub description: Option<String>,
    pub tags: BTreeMap<String, String>,
    /// Oldest first; at least one.
    pub versions: Vec<PolicyVersionRecord>,
    /// `v2`: the version that counts.
    pub default: String,
    /// What the next version is counted; a number is never given twice.
    pub next: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PolicyVersionRecord {
    pub id: String,
    /// JSON.
    pub document: String,
    pub created: Epoch,
}

impl RoleRecord {
    /// A service-linked role is its service's: in AWS's words.
    pub fn check_modifiable(&self) -> Result<(), ServiceError> {
        if !self.path.starts_with(LINKED_PATH) {
            return Ok(());
        }
        let words = "this role is only modifiable by AWS";
        let message = format!("Cannot perform the operation on the protected role '{}' - {words}", self.name);
        Err(ServiceError::new("UnmodifiableEntity", message))
    }
}

pub(super) struct RoleStore {
    pub roles: Table<RoleRecord>,
    /// The account's own managed policies, by ARN.
    pub policies: Table<PolicyRecord>,
}

impl Part for RoleStore {
    fn open(setup: &Setup) -> Self {
        Self { roles: setup.database.table("iam-roles"), policies: setup.database.table("iam-policies") }
    }
}

impl RoleStore {
    pub fn role(&self, name: &str) -> Result<RoleRecord, ServiceError> {
        self.roles.get(name).ok_or_else(|| no_such_role(name))
    }

    pub fn by_arn(&self, arn: &str) -> Option<RoleRecord> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        self.roles.get(name).filter(|role| role.arn == arn)
    }

    /// What a managed policy says, of AWS or of the account; `None`: nobody here knows it.
    pub fn document(&self, arn: &str) -> Option<String> {
        let own = || {
            let policy = self.policies.get(arn)?;
            policy.versions.into_iter().find(|version| version.id == policy.default)
        };
        managed::document(arn).or_else(|| own().map(|version| version.document))
    }

    /// Whether a managed policy can be attached: AWS's own count as there, for this cloud does not know all of them.
    pub fn is_attachable(&self, arn: &str) -> bool {
        arn.starts_with("arn:aws:iam::aws:policy/") || self.policies.contains(arn)
    }

    pub fn change<R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut RoleRecord) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let checked = |role: &mut RoleRecord| {
            role.check_modifiable()?;
            change(role)
        };
        self.roles.try_update(name, checked)?.ok_or_else(|| no_such_role(name))
    }
}

pub(super) fn no_such_entity(message: impl Into<String>) -> ServiceError {
    ServiceError::new("NoSuchEntity", message).with_status(404)
}

fn no_such_role(name: &str) -> ServiceError {
    no_such_entity(format!("The role with name {name} cannot be found."))
}
