//! S3's refusals in AWS's words.

use serde_json::json;

use crate::error::ServiceError;

fn not_found(code: &str, message: &str) -> ServiceError {
    ServiceError::new(code, message).with_status(404)
}

fn with(mut error: ServiceError, member: &str, value: &str) -> ServiceError {
    error.members.insert(member.to_owned(), json!(value));
    error
}

pub(super) fn no_such_bucket(name: &str) -> ServiceError {
    with(not_found("NoSuchBucket", "The specified bucket does not exist"), "BucketName", name)
}

pub(super) fn no_such_key(key: &str) -> ServiceError {
    with(not_found("NoSuchKey", "The specified key does not exist."), "Key", key)
}

pub(super) fn no_such_version(key: &str, id: &str) -> ServiceError {
    let error = with(not_found("NoSuchVersion", "The specified version does not exist."), "Key", key);
    with(error, "VersionId", id)
}

pub(super) fn no_such_upload() -> ServiceError {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
                   been aborted or completed.";
    not_found("NoSuchUpload", message)
}

pub(super) fn invalid_argument(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidArgument", message)
}

pub(super) fn precondition_failed() -> ServiceError {
    let message = "At least one of the pre-conditions you specified did not hold";
    ServiceError::new("PreconditionFailed", message).with_status(412)
}
