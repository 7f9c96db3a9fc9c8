//! What a secret is, without its value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::store::{Secret, SecretStore};
use super::arn_of;
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeSecret {
    pub secret_id: String,
}

/// A secret as `DescribeSecret` answers it, and as an entry of `ListSecrets`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SecretDescription {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    pub description: Option<String>,
    pub kms_key_id: Option<String>,
    pub created_date: Epoch,
    pub last_changed_date: Epoch,
    pub deleted_date: Option<Epoch>,
    pub tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_ids_to_stages: Option<BTreeMap<String, Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_versions_to_stages: Option<BTreeMap<String, Vec<String>>>,
}

fn describe(secret: Secret) -> (SecretDescription, BTreeMap<String, Vec<String>>) {
    let staged = secret.versions.into_iter().filter(|version| !version.stages.is_empty());
    let stages = staged.map(|version| (version.id, version.stages)).collect();
    let description = SecretDescription {
        arn: secret.arn,
        name: secret.name,
        description: secret.description,
        kms_key_id: secret.kms_key_id,
        created_date: secret.created,
        last_changed_date: secret.changed,
        deleted_date: secret.deleted,
        tags: tags::list(secret.tags),
        version_ids_to_stages: None,
        secret_versions_to_stages: None,
    };
    (description, stages)
}

impl Operation for DescribeSecret {
    type Output = SecretDescription;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "DescribeSecret";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<SecretDescription, ServiceError> {
        let secret = call.cloud.part::<SecretStore>().find(&self.secret_id)?;
        let (mut description, stages) = describe(secret);
        description.version_ids_to_stages = Some(stages);
        Ok(description)
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListSecrets {
    pub include_planned_deletion: Option<bool>,
    pub filters: Vec<Filter>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Filter {
    /// `all`, `description`, `name`, `owning-service`, `primary-region`, `tag-key` or `tag-value`.
    pub key: String,
    pub values: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListSecretsOutput {
    pub secret_list: Vec<SecretDescription>,
}

impl Operation for ListSecrets {
    type Output = ListSecretsOutput;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "ListSecrets";

    async fn handle(self, call: &Call) -> Result<ListSecretsOutput, ServiceError> {
        let mut secrets = call.cloud.part::<SecretStore>().secrets.values();
        secrets.retain(|secret| {
            (secret.deleted.is_none() || self.include_planned_deletion == Some(true))
                && self.filters.iter().all(|filter| filter.fits(secret))
        });
        let list = secrets.into_iter().map(|secret| {
            let (mut description, stages) = describe(secret);
            description.secret_versions_to_stages = Some(stages);
            description
        });
        Ok(ListSecretsOutput { secret_list: list.collect() })
    }
}

impl Filter {
    /// Starts of texts are compared, of descriptions without case; a value that begins with `!` must not fit (API
    /// reference, Filter; user guide: find secrets).
    fn fits(&self, secret: &Secret) -> bool {
        let (unwanted, wanted): (Vec<_>, Vec<_>) =
            self.values.iter().partition(|value| value.starts_with('!'));
        unwanted.iter().all(|value| !self.has(secret, &value[1..]))
            && (wanted.is_empty() || wanted.iter().any(|value| self.has(secret, value)))
    }

    fn has(&self, secret: &Secret, value: &str) -> bool {
        let lower = value.to_lowercase();
        let starts = |text: &str| text.to_lowercase().starts_with(&lower);
        let description = secret.description.as_deref().unwrap_or_default();
        match self.key.as_str() {
            "name" => secret.name.starts_with(value),
            "description" => starts(description),
            "tag-key" => secret.tags.keys().any(|key| key.starts_with(value)),
            "tag-value" => secret.tags.values().any(|tag| tag.starts_with(value)),
            "all" => value.split_whitespace().any(|word| {
                let has = |text: &str| text.to_lowercase().contains(&word.to_lowercase());
                has(&secret.name)
                    || has(description)
                    || secret.tags.iter().any(|(key, tag)| has(key) || has(tag))
            }),
            _ => false,
        }
    }
}
