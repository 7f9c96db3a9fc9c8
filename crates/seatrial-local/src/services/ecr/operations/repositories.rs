//! Repositories.

use serde::{Deserialize, Serialize};

use super::super::error::no_repository;
use super::super::store::{
    Ecr, Encryption, ExclusionFilter, Mutability, RepositoryRow, Scanning, remove_file,
};
use super::{arn, page};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::kms;
use crate::tags::Tag;

/// A repository as the model has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repository {
    pub repository_arn: String,
    pub registry_id: String,
    pub repository_name: String,
    /// Made when it is read: the port may be another after a restart.
    pub repository_uri: String,
    pub created_at: Epoch,
    pub image_tag_mutability: Mutability,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_tag_mutability_exclusion_filters: Vec<ExclusionFilter>,
    pub image_scanning_configuration: Scanning,
    pub encryption_configuration: Encryption,
}

impl Repository {
    fn of(cloud: &Cloud, row: RepositoryRow) -> Self {
        Self {
            repository_arn: arn(cloud, &row.name),
            registry_id: cloud.account().to_owned(),
            repository_uri: format!("{}/{}", cloud.registry(), row.name),
            repository_name: row.name,
            created_at: row.created_at,
            image_tag_mutability: row.mutability,
            image_tag_mutability_exclusion_filters: row.filters,
            image_scanning_configuration: row.scanning,
            encryption_configuration: row.encryption,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct RepositoryOutput {
    pub repository: Repository,
}

/// `CreateRepository`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateRepository {
    pub repository_name: String,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub image_tag_mutability: Mutability,
    #[serde(default)]
    pub image_tag_mutability_exclusion_filters: Vec<ExclusionFilter>,
    #[serde(default)]
    pub image_scanning_configuration: Scanning,
    pub encryption_configuration: Option<Encryption>,
}

impl Operation for CreateRepository {
    type Output = RepositoryOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "CreateRepository";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<RepositoryOutput, ServiceError> {
        let cloud = &call.cloud;
        super::settings::check(self.image_tag_mutability, &self.image_tag_mutability_exclusion_filters)?;
        let mut encryption = self.encryption_configuration.unwrap_or_default();
        if encryption.encryption_type == "KMS" && encryption.kms_key.is_none() {
            encryption.kms_key = Some(cloud.arn("kms", "alias/aws/ecr"));
        } else if let Some(key) = &encryption.kms_key {
            // ECR reads and writes by grants (user guide, encryption-at-rest).
            let operations = ["Decrypt", "DescribeKey", "GenerateDataKey", "RetireGrant"];
            let granted = kms::grant_to_service(cloud, key, ("ecr", &self.repository_name), &operations);
            let arn = granted.map_err(|error| {
                let mut refusal = ServiceError::new("KmsException", error.message);
                refusal.members.insert("kmsError".to_owned(), error.code.into());
                refusal
            })?;
            encryption.kms_key = Some(arn);
        }
        let row = RepositoryRow {
            name: self.repository_name,
            created_at: cloud.clock().now(),
            mutability: self.image_tag_mutability,
            filters: self.image_tag_mutability_exclusion_filters,
            scanning: self.image_scanning_configuration,
            encryption,
            lifecycle_policy: None,
            policy: None,
            tags: self.tags,
        };
        if !cloud.part::<Ecr>().repositories.insert_new(&row.name, &row)? {
            let message = format!(
                "The repository with name '{}' already exists in the registry with id '{}'",
                row.name,
                cloud.account()
            );
            return Err(ServiceError::new("RepositoryAlreadyExistsException", message));
        }
        Ok(RepositoryOutput { repository: Repository::of(cloud, row) })
    }
}

/// `DescribeRepositories`.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeRepositories {
    #[serde(default)]
    pub repository_names: Vec<String>,
    pub next_token: Option<String>,
    pub max_results: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeRepositoriesOutput {
    pub repositories: Vec<Repository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

impl Operation for DescribeRepositories {
    type Output = DescribeRepositoriesOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "DescribeRepositories";

    fn resource(&self, cloud: &Cloud) -> String {
        match self.repository_names.as_slice() {
            [name] => arn(cloud, name),
            _ => arn(cloud, "*"),
        }
    }

    async fn handle(self, call: &Call) -> Result<DescribeRepositoriesOutput, ServiceError> {
        let cloud = &call.cloud;
        let ecr = cloud.part::<Ecr>();
        let rows = match self.repository_names.as_slice() {
            [] => ecr.repositories.values(),
            names => names.iter().map(|name| ecr.repository(cloud, name)).collect::<Result<_, _>>()?,
        };
        let (rows, next_token) = page(rows, self.next_token.as_deref(), self.max_results)?;
        let repositories = rows.into_iter().map(|row| Repository::of(cloud, row)).collect();
        Ok(DescribeRepositoriesOutput { repositories, next_token })
    }
}

/// `DeleteRepository`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteRepository {
    pub repository_name: String,
    /// Also where it holds images.
    #[serde(default)]
    pub force: bool,
}

impl Operation for DeleteRepository {
    type Output = RepositoryOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "DeleteRepository";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<RepositoryOutput, ServiceError> {
        let (cloud, name) = (&call.cloud, &self.repository_name);
        let ecr = cloud.part::<Ecr>();
        let _changing = ecr.changing.lock().await;
        ecr.repository(cloud, name)?;
        if !self.force && !ecr.images.with_prefix(&format!("{name}@")).is_empty() {
            let message = format!(
                "The repository with name '{name}' in registry with id '{}' cannot be deleted because it still \
                 contains images",
                cloud.account()
            );
            return Err(ServiceError::new("RepositoryNotEmptyException", message));
        }
        empty(&ecr, name)?;
        // Last: what is left of a deletion that was killed half way is deleted by the next.
        let row = ecr.repositories.remove(name)?.ok_or_else(|| no_repository(cloud, name))?;
        Ok(RepositoryOutput { repository: Repository::of(cloud, row) })
    }
}

/// Removes all images and layers of a repository, and the files that no other repository has.
fn empty(ecr: &Ecr, name: &str) -> Result<(), ServiceError> {
    for (key, _) in ecr.tags.with_prefix(&format!("{name}:")) {
        ecr.tags.remove(&key)?;
    }
    let prefix = format!("{name}@");
    for (key, _) in ecr.images.with_prefix(&prefix) {
        ecr.images.remove(&key)?;
    }
    for (upload, _) in ecr.uploads.entries().into_iter().filter(|(_, row)| row.repository == name) {
        ecr.cancel_upload(name, &upload)?;
    }
    for (key, _) in ecr.layers.with_prefix(&prefix) {
        ecr.layers.remove(&key)?;
        let digest = &key[prefix.len()..];
        let shared = format!("@{digest}");
        if !ecr.layers.entries().iter().any(|(other, _)| other.ends_with(&shared)) {
            remove_file(&ecr.layer_file(digest));
        }
    }
    Ok(())
}
