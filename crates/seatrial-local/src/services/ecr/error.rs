//! Refusals in ECR's words.

use serde_json::Value;

use crate::cloud::Cloud;
use crate::error::ServiceError;

pub(super) fn no_repository(cloud: &Cloud, name: &str) -> ServiceError {
    let message = format!(
        "The repository with name '{name}' does not exist in the registry with id '{}'",
        cloud.account()
    );
    ServiceError::new("RepositoryNotFoundException", message)
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterException", message)
}

pub(super) fn no_layers(repository: &str, digests: &[String]) -> ServiceError {
    let digests = digests.join("', '");
    let message = format!(
        "Layers with digests '[{digests}]' required for pushing image into repository with name '{repository}' do not exist"
    );
    ServiceError::new("LayersNotFoundException", message)
}

pub(super) fn no_upload(repository: &str, upload: &str) -> ServiceError {
    let message = format!("The upload '{upload}' does not exist in the repository with name '{repository}'");
    ServiceError::new("UploadNotFoundException", message)
}

/// A file of the data directory that could not be read or written.
pub(super) fn file(what: &str, error: &std::io::Error) -> ServiceError {
    ServiceError::new("ServerException", format!("{what}: {error}")).with_status(500)
}

/// The registry of another account, which is not here.
pub(super) fn other_registry(cloud: &Cloud, given: &Value) -> Result<(), ServiceError> {
    let Some(registry) = given["registryId"].as_str().filter(|id| *id != cloud.account()) else {
        return Ok(());
    };
    let name = given["repositoryName"].as_str().unwrap_or_default();
    let message =
        format!("The repository with name '{name}' does not exist in the registry with id '{registry}'");
    Err(ServiceError::new("RepositoryNotFoundException", message))
}
