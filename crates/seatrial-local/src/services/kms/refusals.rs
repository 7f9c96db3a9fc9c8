//! KMS's refusals in AWS's words.

use crate::cloud::Cloud;
use crate::error::ServiceError;

pub(super) fn not_found(message: String) -> ServiceError {
    ServiceError::new("NotFoundException", message)
}

pub(super) fn no_such_alias(cloud: &Cloud, name: &str) -> ServiceError {
    not_found(format!("Alias {} is not found.", cloud.arn("kms", name)))
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationException", message)
}

pub(super) fn malformed(message: impl Into<String>) -> ServiceError {
    ServiceError::new("MalformedPolicyDocumentException", message)
}

/// What AWS has and the local cloud has not.
pub(super) fn not_served(what: &str) -> ServiceError {
    ServiceError::new("NotImplemented", format!("the local cloud serves no {what}")).with_status(501)
}
