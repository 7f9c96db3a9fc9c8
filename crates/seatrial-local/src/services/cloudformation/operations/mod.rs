//! CloudFormation's API actions.

use serde_json::Value;

use super::status::Status;
use super::store::{Stack, Store};
use crate::error::ServiceError;
use crate::operation::Call;

mod begin;
mod change_set_queries;
mod change_sets;
mod describe;
mod drift;
mod events;
mod exports;
mod imports;
mod policies;
mod recovery;
mod register;
mod request;
mod resources;
mod role;
mod stacks;
mod templates;
mod validation;

pub(super) use register::register;

/// The stack for a reading call: `Stack with id X does not exist`.
fn known_stack(call: &Call, name_or_id: &str) -> Result<Stack, ServiceError> {
    let stack = call.cloud.part::<Store>().stack(name_or_id);
    stack.ok_or_else(|| ServiceError::validation(format!("Stack with id {name_or_id} does not exist")))
}

/// The stack for a changing call, which never means a deleted one: `Stack [X] does not exist`.
fn living_stack(call: &Call, name_or_id: &str) -> Result<Stack, ServiceError> {
    let stack = call.cloud.part::<Store>().stack(name_or_id);
    let living = stack.filter(|stack| stack.status != Status::DeleteComplete);
    living.ok_or_else(|| ServiceError::validation(format!("Stack [{name_or_id}] does not exist")))
}

/// The ARN for the journal and for policies, whether the stack exists or not.
fn stack_arn(cloud: &crate::Cloud, name_or_id: &str) -> String {
    if name_or_id.starts_with("arn:") {
        return name_or_id.to_owned();
    }
    match cloud.part::<Store>().stack(name_or_id) {
        Some(stack) => stack.id,
        None => cloud.arn("cloudformation", &format!("stack/{name_or_id}/*")),
    }
}

/// One page of `items` and the token of the next one.
fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    crate::page::page(items, token, size)
        .map_err(|_| ServiceError::validation("1 validation error detected: invalid NextToken"))
}

/// Leaves out members that are null: AWS's answers have no empty members.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}
