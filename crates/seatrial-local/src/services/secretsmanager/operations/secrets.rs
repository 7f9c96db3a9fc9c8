//! Making, changing and deleting secrets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::store::{Secret, SecretStore, Version, check_name};
use super::{arn_of, keys};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateSecret {
    pub name: String,
    pub client_request_token: Option<String>,
    pub description: Option<String>,
    pub kms_key_id: Option<String>,
    pub secret_string: Option<String>,
    /// Base64.
    pub secret_binary: Option<String>,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateSecretOutput {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    pub version_id: Option<String>,
}

impl Operation for CreateSecret {
    type Output = CreateSecretOutput;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "CreateSecret";

    fn resource(&self, cloud: &Cloud) -> String {
        cloud.arn("secretsmanager", &format!("secret:{}", self.name))
    }

    async fn handle(self, call: &Call) -> Result<CreateSecretOutput, ServiceError> {
        check_name(&self.name)?;
        keys::can_encrypt(&call.cloud, self.kms_key_id.as_deref())?;
        let store = call.cloud.part::<SecretStore>();
        let now = call.cloud.clock().now();
        // AWS adds six random characters, so that policies on a deleted secret do not fit its successor.
        let arn = call.cloud.arn("secretsmanager", &format!("secret:{}-{}", self.name, crate::id::secret(6)));
        let mut secret = Secret {
            arn,
            name: self.name,
            description: self.description,
            kms_key_id: self.kms_key_id,
            created: now,
            changed: now,
            deleted: None,
            tags: tags::map(self.tags),
            policy: None,
            versions: Vec::new(),
        };
        let version = version(self.client_request_token, (self.secret_string, self.secret_binary), now);
        let version_id = version.as_ref().map(|version| version.id.clone());
        if let Some(version) = version {
            secret.push(version, None);
        }
        if !store.secrets.insert_new(&secret.name, &secret)? {
            return Err(exists(&store, &secret.name));
        }
        Ok(CreateSecretOutput { arn: secret.arn, name: secret.name, version_id })
    }
}

pub(crate) fn exists(store: &SecretStore, name: &str) -> ServiceError {
    if store.find(name).is_ok_and(|secret| secret.deleted.is_some()) {
        return ServiceError::new(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        );
    }
    ServiceError::new(
        "ResourceExistsException",
        format!("The operation failed because the secret {name} already exists."),
    )
}

/// A version of a value, if there is one. `token` is its id, as AWS has it.
pub(crate) fn version(
    token: Option<String>,
    (string, binary): (Option<String>, Option<String>),
    now: Epoch,
) -> Option<Version> {
    if string.is_none() && binary.is_none() {
        return None;
    }
    let id = token.unwrap_or_else(crate::id::uuid);
    Some(Version { id, created: now, string, binary, stages: Vec::new() })
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UpdateSecret {
    pub secret_id: String,
    pub client_request_token: Option<String>,
    pub description: Option<String>,
    pub kms_key_id: Option<String>,
    pub secret_string: Option<String>,
    pub secret_binary: Option<String>,
}

impl Operation for UpdateSecret {
    type Output = CreateSecretOutput;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "UpdateSecret";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<CreateSecretOutput, ServiceError> {
        let store = call.cloud.part::<SecretStore>();
        let secret = store.usable(&self.secret_id)?;
        keys::can_encrypt(&call.cloud, self.kms_key_id.as_deref().or(secret.kms_key_id.as_deref()))?;
        let now = call.cloud.clock().now();
        let version = version(self.client_request_token, (self.secret_string, self.secret_binary), now);
        let version_id = version.as_ref().map(|version| version.id.clone());
        store.secrets.try_update(&secret.name, |row| {
            row.changed = now;
            row.description = self.description.or(row.description.take());
            row.kms_key_id = self.kms_key_id.or(row.kms_key_id.take());
            if let Some(version) = version
                && !row.repeats(&version)?
            {
                row.push(version, None);
            }
            Ok::<_, ServiceError>(())
        })?;
        Ok(CreateSecretOutput { arn: secret.arn, name: secret.name, version_id })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DeleteSecret {
    pub secret_id: String,
    /// 7 to 30, 30 unless told otherwise.
    pub recovery_window_in_days: Option<u32>,
    pub force_delete_without_recovery: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteSecretOutput {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    pub deletion_date: Epoch,
}

impl Operation for DeleteSecret {
    type Output = DeleteSecretOutput;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "DeleteSecret";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<DeleteSecretOutput, ServiceError> {
        let store = call.cloud.part::<SecretStore>();
        let now = call.cloud.clock().now();
        let force = self.force_delete_without_recovery == Some(true);
        let window = self.recovery_window_in_days.unwrap_or(30);
        if force && self.recovery_window_in_days.is_some() {
            return Err(ServiceError::new(
                "InvalidParameterException",
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        if !(7..=30).contains(&window) {
            return Err(ServiceError::new(
                "InvalidParameterException",
                "RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            ));
        }
        if force && store.find(&self.secret_id).is_err() {
            // AWS answers as if there had been one (API reference, DeleteSecret: no error is returned).
            let name = self.secret_id.rsplit(':').next().unwrap_or_default().to_owned();
            let made =
                || call.cloud.arn("secretsmanager", &format!("secret:{name}-{}", crate::id::secret(6)));
            let arn = if self.secret_id.starts_with("arn:") { self.secret_id.clone() } else { made() };
            return Ok(DeleteSecretOutput { arn, name, deletion_date: now });
        }
        let secret = if force { store.find(&self.secret_id)? } else { store.usable(&self.secret_id)? };
        let deletion_date = if force { now } else { now.plus(DAY * window) };
        if force {
            store.secrets.remove(&secret.name)?;
        } else {
            store.secrets.update(&secret.name, |row| row.deleted = Some(deletion_date))?;
        }
        Ok(DeleteSecretOutput { arn: secret.arn, name: secret.name, deletion_date })
    }
}
