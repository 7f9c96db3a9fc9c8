//! Ways out of an update under way or failed, and termination protection.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::engine::begin_rollback;
use super::super::engine::{Run, StackEngine};
use super::super::status::Status;
use super::super::store::{Stack, Store, Undo};
use super::begin::Beginning;
use super::role::require_assumable;
use super::{living_stack, stack_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `CancelUpdateStack`: rolls back the update that is under way.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CancelUpdateStack {
    stack_name: String,
}

impl Operation for CancelUpdateStack {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "CancelUpdateStack";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let stack = living_stack(call, &self.stack_name)?;
        if stack.status != Status::UpdateInProgress {
            return Err(ServiceError::validation(format!(
                "CancelUpdateStack cannot be called from current stack status {}",
                stack.status
            )));
        }
        begin_rollback(&Run::new(&call.cloud, &stack.id), Some("User Initiated".to_owned()))?;
        call.cloud.part::<Store>().overtaken.notify_waiters();
        call.cloud.start::<StackEngine>(&stack.id);
        Ok(json!({}))
    }
}

/// `ContinueUpdateRollback`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContinueUpdateRollback {
    stack_name: String,
    #[serde(default)]
    resources_to_skip: Vec<String>,
    #[serde(default)]
    force_rollback: bool,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    client_request_token: Option<String>,
}

impl Operation for ContinueUpdateRollback {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ContinueUpdateRollback";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let stack = living_stack(call, &self.stack_name)?;
        require_status(&stack, Status::UpdateRollbackFailed)?;
        require_assumable(call, self.role_arn.as_deref(), stack.options.role_arn.as_deref()).await?;
        if self.force_rollback && !self.resources_to_skip.is_empty() {
            return Err(ServiceError::validation(
                "You cannot specify both ResourcesToSkip and ForceRollback",
            ));
        }
        skip(call, &stack, &self.resources_to_skip, self.force_rollback)?;
        let beginning = Beginning {
            stack_id: &stack.id,
            status: Status::UpdateRollbackInProgress,
            kind: "CONTINUE_ROLLBACK",
            client_token: self.client_request_token,
        };
        beginning.go(call, |stack| {
            stack.rollback_failures.clear();
            take_role(stack, self.role_arn);
            require_status(stack, Status::UpdateRollbackFailed)
        })?;
        Ok(json!({}))
    }
}

/// A role that is given is the stack's from then on.
fn take_role(stack: &mut Stack, given: Option<String>) {
    if given.is_some() {
        stack.options.role_arn = given;
    }
}

fn require_status(stack: &Stack, wanted: Status) -> Result<(), ServiceError> {
    if stack.status == wanted {
        return Ok(());
    }
    Err(ServiceError::validation(format!(
        "Stack:{} is in {} state and can not be rolled back from it.",
        stack.id, stack.status
    )))
}

/// Takes the resources as if they were as before: those named, or all that failed.
fn skip(call: &Call, stack: &Stack, named: &[String], all_failed: bool) -> Result<(), ServiceError> {
    let store = call.cloud.part::<Store>();
    let resources = store.resources_of(&stack.id);
    if let Some(id) = named.iter().find(|id| !resources.contains_key(id.as_str())) {
        let text = format!("Resource {id} does not exist for stack {}", stack.name);
        return Err(ServiceError::validation(text));
    }
    if let Some(id) = named.iter().find(|id| !stack.rollback_failures.contains(id)) {
        return Err(ServiceError::validation(format!(
            "Resource {id} cannot be skipped: only resources in state UPDATE_FAILED because a rollback failed \
             can be"
        )));
    }
    for resource in resources.into_values() {
        let failed = all_failed && stack.rollback_failures.contains(&resource.logical_id);
        if !failed && !named.contains(&resource.logical_id) {
            continue;
        }
        if let Some(Undo::Changed(old) | Undo::Replaced(old)) = resource.undo {
            let mut old = *old;
            old.status = Status::UpdateComplete;
            old.actual = None;
            // It may be anything now: AWS shows NOT_CHECKED.
            old.drift = None;
            store.put_resource(&stack.id, &old)?;
        }
    }
    Ok(())
}

/// `RollbackStack`: of a stack that failed with rollback disabled.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RollbackStack {
    stack_name: String,
    #[serde(default)]
    retain_except_on_create: bool,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    client_request_token: Option<String>,
}

impl Operation for RollbackStack {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "RollbackStack";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let stack = living_stack(call, &self.stack_name)?;
        require_assumable(call, self.role_arn.as_deref(), stack.options.role_arn.as_deref()).await?;
        let status = match stack.status {
            Status::CreateFailed => Status::RollbackInProgress,
            _ => Status::UpdateRollbackInProgress,
        };
        let beginning = Beginning {
            stack_id: &stack.id,
            status,
            kind: "ROLLBACK",
            client_token: self.client_request_token,
        };
        let stack = beginning.go(call, |stack| {
            if stack.status != Status::CreateFailed {
                require_status(stack, Status::UpdateFailed)?;
            }
            stack.options.retain_except_on_create = self.retain_except_on_create;
            take_role(stack, self.role_arn);
            if let Some(previous) = stack.previous.take() {
                stack.current = previous;
            }
            Ok(())
        })?;
        Ok(json!({"StackId": stack.id, "OperationId": stack.operation.id}))
    }
}

/// `UpdateTerminationProtection`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateTerminationProtection {
    stack_name: String,
    enable_termination_protection: bool,
}

impl Operation for UpdateTerminationProtection {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "UpdateTerminationProtection";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let stack = living_stack(call, &self.stack_name)?;
        let enabled = self.enable_termination_protection;
        call.cloud
            .part::<Store>()
            .stacks
            .update(&stack.id, |stack| stack.termination_protection = enabled)?;
        Ok(json!({"StackId": stack.id}))
    }
}
