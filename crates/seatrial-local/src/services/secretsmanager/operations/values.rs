//! Values of secrets.

use serde::{Deserialize, Serialize};

use super::super::random::Password;
use super::super::store::{CURRENT, SecretStore};
use super::secrets::version;
use super::{arn_of, keys};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Reads a value: of `AWSCURRENT` unless a version or another stage is asked for.
#[derive(Clone, Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GetSecretValue {
    /// Name or ARN.
    pub secret_id: String,
    pub version_id: Option<String>,
    pub version_stage: Option<String>,
}

/// Without `Debug`, so that no value is printed by accident.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetSecretValueOutput {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    pub version_id: String,
    pub secret_string: Option<String>,
    /// Base64.
    pub secret_binary: Option<String>,
    pub version_stages: Vec<String>,
    pub created_date: Epoch,
}

impl Operation for GetSecretValue {
    type Output = GetSecretValueOutput;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "GetSecretValue";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<GetSecretValueOutput, ServiceError> {
        let secret = call.cloud.part::<SecretStore>().usable(&self.secret_id)?;
        let stage = self.version_stage.as_deref().or(self.version_id.is_none().then_some(CURRENT));
        let wanted = match (&self.version_id, stage) {
            (Some(id), None) => format!("VersionId: {id}"),
            (Some(id), Some(stage)) => format!("VersionId: {id} and staging label: {stage}"),
            (None, stage) => format!("staging label: {}", stage.unwrap_or(CURRENT)),
        };
        let versions: Vec<_> = secret.versions.iter().map(|version| version.id.clone()).collect();
        let found = secret.versions.into_iter().rev().find(|version| {
            self.version_id.as_ref().is_none_or(|id| *id == version.id)
                && stage.is_none_or(|stage| version.stages.iter().any(|one| one == stage))
        });
        // Recorded: `test_get_secret_value_errors`.
        let has_version = |id: &String| versions.iter().any(|version| version == id);
        if found.is_none() && stage.is_some() && self.version_id.as_ref().is_some_and(has_version) {
            let message = "You provided a VersionStage that is not associated to the provided VersionId.";
            return Err(ServiceError::new("InvalidRequestException", message));
        }
        let version = found.ok_or_else(|| {
            ServiceError::new(
                "ResourceNotFoundException",
                format!("Secrets Manager can't find the specified secret value for {wanted}"),
            )
        })?;
        keys::can_decrypt(&call.cloud, secret.kms_key_id.as_deref())?;
        Ok(GetSecretValueOutput {
            arn: secret.arn,
            name: secret.name,
            version_id: version.id,
            secret_string: version.string,
            secret_binary: version.binary,
            version_stages: version.stages,
            created_date: version.created,
        })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PutSecretValue {
    pub secret_id: String,
    pub client_request_token: Option<String>,
    pub secret_string: Option<String>,
    pub secret_binary: Option<String>,
    /// `AWSCURRENT` unless told otherwise.
    pub version_stages: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutSecretValueOutput {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    pub version_id: String,
    pub version_stages: Vec<String>,
}

impl Operation for PutSecretValue {
    type Output = PutSecretValueOutput;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "PutSecretValue";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<PutSecretValueOutput, ServiceError> {
        let store = call.cloud.part::<SecretStore>();
        let secret = store.usable(&self.secret_id)?;
        keys::can_encrypt(&call.cloud, secret.kms_key_id.as_deref())?;
        let now = call.cloud.clock().now();
        let value = (self.secret_string, self.secret_binary);
        let version = version(self.client_request_token, value, now).ok_or_else(|| {
            let message = "You must provide either SecretString or SecretBinary.";
            ServiceError::new("InvalidParameterException", message)
        })?;
        let version_id = version.id.clone();
        let stages = self.version_stages.filter(|stages| !stages.is_empty());
        let put = store.secrets.try_update(&secret.name, |row| {
            if !row.repeats(&version)? {
                row.push(version, stages);
            }
            let found = row.versions.iter().find(|version| version.id == version_id);
            Ok::<_, ServiceError>(found.map(|version| version.stages.clone()))
        })?;
        let version_stages = put.flatten().unwrap_or_default();
        Ok(PutSecretValueOutput { arn: secret.arn, name: secret.name, version_id, version_stages })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct GetRandomPassword {
    #[serde(flatten)]
    rules: Password,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRandomPasswordOutput {
    pub random_password: String,
}

impl Operation for GetRandomPassword {
    type Output = GetRandomPasswordOutput;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "GetRandomPassword";

    async fn handle(self, _call: &Call) -> Result<GetRandomPasswordOutput, ServiceError> {
        Ok(GetRandomPasswordOutput { random_password: self.rules.generate()? })
    }
}
