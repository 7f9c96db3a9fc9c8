//! Placeholder.

use std::sync::Arc;

use crate::error::ServiceError;
use crate::operation::Operations;
use crate::protocol::TransferHandler;

pub(crate) fn register(_operations: &mut Operations) {}

/// The handler of requests that carry an object's bytes.
pub(crate) fn transfer() -> TransferHandler {
    Arc::new(|transfer| Box::pin(async move { Err(ServiceError::not_served("s3", transfer.operation)) }))
}
