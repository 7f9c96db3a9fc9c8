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
const MOST_VERSIONS: usize = 100;

impl Secret {
    /// Adds a version and moves the stages to it: `AWSCURRENT` unless told otherwise, and always of the first. Then
    /// `AWSPREVIOUS` moves to the one that had it.
    pub fn push(&mut self, mut version: Version, stages: Option<Vec<String>>) {
        let mut stages = stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        if self.versions.is_empty() && !stages.iter().any(|stage| stage == CURRENT) {
            stages.push(CURRENT.to_owned());
        }
        stages.sort();
        stages.dedup();
        if stages.iter().any(|stage| stage == CURRENT) {
            for old in &mut self.versions {
                old.stages.retain(|stage| stage != PREVIOUS);
                if let Some(stage) = old.stages.iter_mut().find(|stage| *stage == CURRENT) {
                    *stage = PREVIOUS.to_owned();
                }
            }
        }
        for old in &mut self.versions {
            old.stages.retain(|stage| !stages.contains(stage));
        }
        version.stages = stages;
        self.changed = version.created;
        self.versions.push(version);
        self.drop_deprecated();
    }

    /// AWS keeps about a hundred versions, and of those without a stage the newest (user guide: what's in a secret).
    fn drop_deprecated(&mut self) {
        while self.versions.len() > MOST_VERSIONS
            && let Some(index) = self.versions.iter().position(|version| version.stages.is_empty())
        {
            self.versions.remove(index);
        }
    }

    /// What a call repeats whose token names a version that is there already: `Ok(true)` if it gives the same value.
    ///
    /// # Errors
    /// It gives another value (API reference, PutSecretValue, `ClientRequestToken`).
    pub fn repeats(&self, version: &Version) -> Result<bool, ServiceError> {
        match self.versions.iter().find(|old| old.id == version.id) {
            None => Ok(false),
            Some(old) if (&old.string, &old.binary) == (&version.string, &version.binary) => Ok(true),
            Some(_) => Err(ServiceError::new(
                "ResourceExistsException",
                format!(
                    "You can't use ClientRequestToken {} because that value is already in use for a version of secret \
                     {}.",
                    version.id, self.arn
                ),
            )),
        }
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

/// An ARN that ends in a hyphen and six characters is looked for as a whole one (recorded:
/// `test_create_and_update_secret[Invalid/_+=.@-Name-a1b2c3-False]`).
fn ends_like_a_whole_one(arn: &str) -> bool {
    let end = arn.rsplit_once('-').map(|(_, end)| end);
    end.is_some_and(|end| end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Recorded: `test_invalid_secret_name`.
pub(super) fn check_name(name: &str) -> Result<(), ServiceError> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&byte)) {
        return Ok(());
    }
    let message = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: \
                   -/_+=.@!";
    Err(ServiceError::new("ValidationException", message))
}

impl SecretStore {
    /// Finds by name, ARN, or ARN without its random tail; also one that waits for its deletion.
    pub fn find(&self, id: &str) -> Result<Secret, ServiceError> {
        if !id.starts_with("arn:") {
            check_name(id)?;
        }
        let by_name = self.secrets.get(id);
        let by_arn = || {
            self.secrets.find(|secret| {
                let is_partial = || secret.arn.rsplit_once('-').is_some_and(|(partial, _)| partial == id);
                secret.arn == id || !ends_like_a_whole_one(id) && is_partial()
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
