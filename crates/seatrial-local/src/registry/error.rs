//! What the registry answers when it refuses: the protocol's codes, with ECR's words.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::ServiceError;

#[derive(Debug)]
pub(super) struct RegistryError {
    pub status: StatusCode,
    code: &'static str,
    message: String,
}

impl RegistryError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn unauthorized() -> Self {
        let message =
            "Your authorization token is missing, not valid or has expired. Reauthenticate and try again.";
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
    }

    pub(super) fn no_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NAME_INVALID", "the path names nothing that this registry serves")
    }

    pub(super) fn unsupported(method: &Method) -> Self {
        let message = format!("{method} is not supported here");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message)
    }

    pub(super) fn no_blob(digest: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", format!("blob `{digest}` is unknown"))
    }

    pub(super) fn no_upload(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", format!("upload `{id}` is unknown"))
    }

    pub(super) fn invalid_digest(digest: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", format!("`{digest}` is no sha256 digest"))
    }
}

impl From<ServiceError> for RegistryError {
    fn from(error: ServiceError) -> Self {
        let own = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (status, code) = match error.code.as_str() {
            "RepositoryNotFoundException" => (StatusCode::NOT_FOUND, "NAME_UNKNOWN"),
            "UploadNotFoundException" => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            "InvalidLayerPartException" => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            "InvalidLayerException" | "ImageDigestDoesNotMatchException" => {
                (StatusCode::BAD_REQUEST, "DIGEST_INVALID")
            }
            "LayersNotFoundException" | "ReferencedImagesNotFoundException" => {
                (StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN")
            }
            "ImageTagAlreadyExistsException" => (StatusCode::BAD_REQUEST, "TAG_INVALID"),
            "InvalidParameterException" => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            code if code.starts_with("AccessDenied") => (StatusCode::FORBIDDEN, "DENIED"),
            code if code.starts_with("Throttling") || code.starts_with("TooManyRequests") => {
                (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS")
            }
            _ => (own, "UNKNOWN"),
        };
        Self::new(status, code, error.message)
    }
}

impl IntoResponse for RegistryError {
    fn into_response(self) -> Response {
        let body = json!({ "errors": [{ "code": self.code, "message": self.message }] });
        (self.status, Json(body)).into_response()
    }
}
