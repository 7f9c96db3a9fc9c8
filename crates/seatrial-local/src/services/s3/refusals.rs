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

pub(super) fn no_such_upload(id: &str) -> ServiceError {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
                   been aborted or completed.";
    with(not_found("NoSuchUpload", message), "UploadId", id)
}

/// Of the bucket that the refusal is about.
pub(super) fn of_bucket(error: ServiceError, bucket: &str) -> ServiceError {
    with(error, "BucketName", bucket)
}

pub(super) fn malformed_xml() -> ServiceError {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    ServiceError::new("MalformedXML", message)
}

/// A version that no bucket gave: recorded: `test_get_object_with_version_unversioned_bucket`.
pub(super) fn invalid_version(id: &str) -> ServiceError {
    with(
        with(invalid_argument("Invalid version id specified"), "ArgumentName", "versionId"),
        "ArgumentValue",
        id,
    )
}

/// What a delete marker cannot have done to it (recorded: `test_delete_object_versioned`). Names that begin with `x-amz-`
/// are headers of the answer.
pub(super) fn is_delete_marker(method: &str, id: &str) -> ServiceError {
    let message = "The specified method is not allowed against this resource.";
    let error = ServiceError::new("MethodNotAllowed", message).with_status(405);
    let error = with(with(error, "Method", method), "ResourceType", "DeleteMarker");
    marked(error, id)
}

/// An answer about a delete marker says so, and which, in headers (API reference, GetObject).
pub(super) fn marked(error: ServiceError, id: &str) -> ServiceError {
    with(with(error, "x-amz-delete-marker", "true"), "x-amz-version-id", id)
}

/// `KeyTooLongError`, as S3's list of error codes has it.
pub(super) fn key_too_long(size: usize) -> ServiceError {
    let mut error = ServiceError::new("KeyTooLongError", "Your key is too long");
    error.members.insert("Size".to_owned(), json!(size.to_string()));
    error.members.insert("MaxSizeAllowed".to_owned(), json!("1024"));
    error
}

pub(super) fn invalid_argument(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidArgument", message)
}

/// `condition` is the header that did not hold.
pub(super) fn precondition_failed(condition: &str) -> ServiceError {
    let message = "At least one of the pre-conditions you specified did not hold";
    let error = ServiceError::new("PreconditionFailed", message).with_status(412);
    with(error, "Condition", condition)
}

/// Something wrote or deleted the key since the upload began (recorded: `test_multipart_if_none_match_with_delete`).
pub(super) fn conditional_conflict(condition: &str, key: &str) -> ServiceError {
    let message =
        "The conditional request cannot succeed due to a conflicting operation against this resource.";
    let error = ServiceError::new("ConditionalRequestConflict", message).with_status(409);
    with(with(error, "Condition", condition), "Key", key)
}

/// A header that AWS does not take there, or that the local cloud does not serve.
pub(super) fn not_implemented(header: &str, why: Option<&str>) -> ServiceError {
    let message = "A header you provided implies functionality that is not implemented";
    let error = with(ServiceError::new("NotImplemented", message).with_status(501), "Header", header);
    why.map_or(error.clone(), |why| with(error, "additionalMessage", why))
}
