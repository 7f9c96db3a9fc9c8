//! Keys, aliases and grants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;

/// Without `Debug`, so that no key is printed by accident.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    /// A UUID; of a key of several regions with `mrk-` before it.
    pub id: String,
    pub arn: String,
    pub created: Epoch,
    pub description: String,
    pub enabled: bool,
    /// When it will be gone, while it waits for that.
    pub deletion: Option<Epoch>,
    /// JSON.
    pub policy: String,
    pub tags: BTreeMap<String, String>,
    pub rotation: Option<Rotation>,
    /// An AWS service's own key, by the service's name.
    pub managed: Option<String>,
    /// 32 bytes in hexadecimal digits.
    pub material: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Rotation {
    /// 90 to 2560.
    pub days: u32,
    pub next: Epoch,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct AliasRecord {
    /// With `alias/`.
    pub name: String,
    pub key_id: String,
    pub created: Epoch,
    pub updated: Epoch,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct GrantRecord {
    pub id: String,
    pub token: String,
    pub key_id: String,
    pub created: Epoch,
    /// An ARN, or a service's name.
    pub grantee: String,
    pub retiring: Option<String>,
    pub operations: Vec<String>,
    pub constraints: Option<Value>,
    pub name: Option<String>,
}

/// A key's state, as AWS spells it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Enabled,
    Disabled,
    PendingDeletion,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion => "PendingDeletion",
        }
    }
}

impl KeyRecord {
    pub fn state(&self) -> State {
        match (self.deletion, self.enabled) {
            (Some(_), _) => State::PendingDeletion,
            (None, true) => State::Enabled,
            (None, false) => State::Disabled,
        }
    }

    /// # Errors
    /// The key is disabled or waits for its deletion (developer guide, key-state: cases 1 and 3; of cases 2 or 3 the recorded
    /// one, `test_s3_sse_validate_kms_key_state`).
    pub fn usable(&self) -> Result<(), ServiceError> {
        self.kept()?;
        match self.enabled {
            true => Ok(()),
            false => Err(ServiceError::new("DisabledException", format!("{} is disabled.", self.arn))),
        }
    }

    /// # Errors
    /// The key waits for its deletion (developer guide, key-state: case 3).
    pub fn kept(&self) -> Result<(), ServiceError> {
        match self.deletion {
            None => Ok(()),
            Some(_) => {
                let message = format!("{} is pending deletion.", self.arn);
                Err(ServiceError::new("KMSInvalidStateException", message))
            }
        }
    }
}

pub(super) struct KeyStore {
    /// By id.
    pub keys: Table<KeyRecord>,
    /// By name.
    pub aliases: Table<AliasRecord>,
    /// By id.
    pub grants: Table<GrantRecord>,
}

impl Part for KeyStore {
    fn open(setup: &Setup) -> Self {
        let database = &setup.database;
        Self {
            keys: database.table("kms-keys"),
            aliases: database.table("kms-aliases"),
            grants: database.table("kms-grants"),
        }
    }
}

impl KeyStore {
    /// A key that is not gone.
    pub fn key(&self, cloud: &Cloud, id: &str) -> Option<KeyRecord> {
        let now = cloud.clock().now();
        self.keys.get(id).filter(|key| key.deletion.is_none_or(|at| at > now))
    }
}
