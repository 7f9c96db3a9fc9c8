//! Secrets by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;

/// Without `Debug`, so that no value is printed by accident.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secret {
    pub arn: String,
    pub name: String,
    pub description: Option<String>,
    pub kms_key_id: Option<String>,
    pub created: Epoch,
    pub changed: Epoch,
    /// Set while the secret waits for its deletion.
    pub deleted: Option<Epoch>,
    pub tags: BTreeMap<String, String>,
    /// JSON.
    #[serde(default)]
    pub policy: Option<String>,
    /// Oldest first.
    pub versions: Vec<Version>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub id: String,
    pub created: Epoch,
    pub string: Option<String>,
    /// Base64.
    pub binary: Option<String>,
    pub stages: Vec<String>,
}

pub(super) const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

impl Secret {
    /// Adds a version and moves the stages: `AWSCURRENT` to it, and `AWSPREVIOUS` to the one that had it.
    pub fn push(&mut self, mut version: Version) {
        version.stages = vec![CURRENT.to_owned()];
        for old in &mut self.versions {
            old.stages.retain(|stage| stage != PREVIOUS);
            if let Some(stage) = old.stages.iter_mut().find(|stage| *stage == CURRENT) {
                *stage = PREVIOUS.to_owned();
            }
        }
        self.changed = version.created;
        self.versions.push(version);
    }
}

pub(super) struct SecretStore {
    pub secrets: Table<Secret>,
}

impl Part for SecretStore {
    fn open(setup: &Setup) -> Self {
        Self { secrets: setup.database.table("secrets") }
    }
}

impl SecretStore {
    /// Finds by name, ARN, or ARN without its random tail; also one that waits for its deletion.
    pub fn find(&self, id: &str) -> Result<Secret, ServiceError> {
        let by_name = self.secrets.get(id);
        let by_arn = || {
            self.secrets.find(|secret| {
                secret.arn == id || secret.arn.rsplit_once('-').is_some_and(|(partial, _)| partial == id)
            })
        };
        by_name.or_else(by_arn).ok_or_else(|| {
            let message = "Secrets Manager can't find the specified secret.";
            ServiceError::new("ResourceNotFoundException", message)
        })
    }

    /// As [`SecretStore::find`], but refuses one that waits for its deletion.
    pub fn usable(&self, id: &str) -> Result<Secret, ServiceError> {
        let secret = self.find(id)?;
        if secret.deleted.is_some() {
            return Err(ServiceError::new(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
            ));
        }
        Ok(secret)
    }

    /// The full ARN of what `id` names, for policies; `id` itself where there is no such secret.
    pub fn arn_of(&self, id: &str) -> String {
        self.find(id).map_or_else(|_| id.to_owned(), |secret| secret.arn)
    }
}
