//! The operations of EC2.

mod describe;
mod egress;
mod gateways;
mod groups;
mod ingress;
mod register;
mod routes;
mod rules;
mod tags;
mod traffic;
mod vpcs;

pub(crate) use describe::*;
pub(crate) use egress::*;
pub(crate) use gateways::*;
pub(crate) use groups::*;
pub(crate) use ingress::*;
pub(crate) use register::register;
pub(crate) use routes::*;
pub(crate) use rules::*;
pub(crate) use tags::*;
pub(crate) use traffic::*;
pub(crate) use vpcs::*;

use serde::Serialize;

use crate::error::ServiceError;

/// The answer of an operation that answers nothing.
#[derive(Serialize)]
pub(crate) struct Empty {}

/// The id of a thing that was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Made {
    pub id: String,
}

/// An id such as `vpc-0123456789abcdef0`; always the same for a client token, so that a second try to make a
/// thing finds the first.
fn new_id(prefix: &str, token: Option<&str>) -> String {
    let tail = match token {
        Some(token) => crate::id::digits_of(&format!("{prefix}/{token}"), 17).to_lowercase(),
        None => crate::id::hex(17),
    };
    format!("{prefix}-{tail}")
}

fn dependency_violation(message: String) -> ServiceError {
    ServiceError::new("DependencyViolation", message)
}
