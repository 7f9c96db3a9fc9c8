//! The operations of Application Auto Scaling.

mod policies;
mod register;
mod targets;

pub(crate) use policies::{DeleteScalingPolicy, DescribeScalingPolicies, PutScalingPolicy};
pub(crate) use register::register;
pub(crate) use targets::{DeregisterScalableTarget, DescribeScalableTargets, RegisterScalableTarget};

use serde::Serialize;

use super::store::TargetId;
use crate::error::ServiceError;

/// The answer of operations that answer nothing.
#[derive(Serialize)]
pub(crate) struct Nothing {}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationException", message)
}

fn not_found(what: &str, id: &TargetId) -> ServiceError {
    ServiceError::new(
        "ObjectNotFoundException",
        format!(
            "No {what} for service namespace: {}, resource ID: {}, scalable dimension: {}",
            id.service_namespace, id.resource_id, id.scalable_dimension
        ),
    )
}
