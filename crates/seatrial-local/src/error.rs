//! What an operation answers when it refuses: AWS's code, its message and the HTTP status AWS uses for it.

use serde_json::{Map, Value};

use crate::persist::PersistError;

/// An error as AWS's clients see it. `code` is the name in AWS's model (`ResourceNotFoundException`).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct ServiceError {
    /// AWS's code, exactly as its model spells it.
    pub code: String,
    /// AWS's wording where it is known, for users search for it.
    pub message: String,
    /// HTTP status; the protocol layer takes the model's status first where the model has one.
    pub status: u16,
    /// Further members of the error shape, for example `repositoryName`.
    pub members: Box<Map<String, Value>>,
}

impl ServiceError {
    /// A fault of the caller: status 400.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: 400, members: Box::default() }
    }

    /// The same with another HTTP status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A fault of the local cloud itself: `InternalFailure`, status 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("InternalFailure", message).with_status(500)
    }

    /// `ValidationError` of the query services (CloudFormation, Elastic Load Balancing).
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", message)
    }

    /// `AccessDenied`, status 403.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new("AccessDenied", message).with_status(403)
    }

    /// An operation that AWS has and the local cloud does not serve: status 501, with its name.
    pub fn not_served(service: &str, operation: &str) -> Self {
        Self::new("NotImplemented", format!("the local cloud does not serve {service}:{operation}"))
            .with_status(501)
    }
}

impl From<PersistError> for ServiceError {
    fn from(error: PersistError) -> Self {
        Self::internal(error.to_string())
    }
}
