//! What can be changed of a repository.

use serde::{Deserialize, Serialize};

use super::super::error::{invalid, no_repository};
use super::super::store::{Ecr, ExclusionFilter, Mutability, Scanning};
use super::arn;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Filters belong to the mutabilities `…_WITH_EXCLUSION`, which need at least one and take at most five.
pub(super) fn check(mutability: Mutability, filters: &[ExclusionFilter]) -> Result<(), ServiceError> {
    let excluding =
        matches!(mutability, Mutability::ImmutableWithExclusion | Mutability::MutableWithExclusion);
    match (excluding, filters.len()) {
        (true, 0) => Err(invalid(
            "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'at least \
             one filter is required with this image tag mutability'",
        )),
        (false, 1..) => Err(invalid(
            "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'filters \
             are not allowed with this image tag mutability'",
        )),
        (true, 6..) => Err(invalid(
            "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'at most 5 \
             filters'",
        )),
        _ => Ok(()),
    }
}

/// `PutImageTagMutability`. Input and output have the same members.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutImageTagMutability {
    pub repository_name: String,
    pub image_tag_mutability: Mutability,
    #[serde(default)]
    pub image_tag_mutability_exclusion_filters: Vec<ExclusionFilter>,
}

impl Operation for PutImageTagMutability {
    type Output = Self;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "PutImageTagMutability";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<Self, ServiceError> {
        check(self.image_tag_mutability, &self.image_tag_mutability_exclusion_filters)?;
        let changed = call.cloud.part::<Ecr>().repositories.update(&self.repository_name, |row| {
            row.mutability = self.image_tag_mutability;
            row.filters.clone_from(&self.image_tag_mutability_exclusion_filters);
        })?;
        changed.ok_or_else(|| no_repository(&call.cloud, &self.repository_name))?;
        Ok(self)
    }
}

/// `PutImageScanningConfiguration`. Input and output have the same members.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutImageScanningConfiguration {
    pub repository_name: String,
    pub image_scanning_configuration: Scanning,
}

impl Operation for PutImageScanningConfiguration {
    type Output = Self;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "PutImageScanningConfiguration";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<Self, ServiceError> {
        let scanning = self.image_scanning_configuration;
        let repositories = &call.cloud.part::<Ecr>().repositories;
        let changed = repositories.update(&self.repository_name, |row| row.scanning = scanning)?;
        changed.ok_or_else(|| no_repository(&call.cloud, &self.repository_name))?;
        Ok(self)
    }
}
