//! Creation, update and deletion of stacks without change sets.

use serde::{Deserialize, Serialize};

use super::super::engine::Run;
use super::super::status::Status;
use super::super::store::{OnFailure, Stack, StackOptions, Store};
use super::begin::{
    Beginning, new_stack, require_name, require_rollback_stays_disabled, require_updatable, take_up,
};
use super::policies::{PolicyDuringUpdate, PolicySource};
use super::request::RevisionRequest;
use super::role::require_assumable;
use super::{stack_arn, validation};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `DeploymentConfig`: only its say on rollback counts; the mode EXPRESS is taken as STANDARD.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeploymentConfig {
    disable_rollback: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Begun {
    stack_id: String,
    operation_id: String,
}

/// `CreateStack`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateStack {
    stack_name: String,
    #[serde(flatten)]
    revision: RevisionRequest,
    #[serde(default)]
    disable_rollback: bool,
    on_failure: Option<OnFailure>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    timeout_in_minutes: Option<i64>,
    #[serde(default)]
    enable_termination_protection: bool,
    #[serde(flatten)]
    policy: PolicySource,
    #[serde(default)]
    retain_except_on_create: bool,
    deployment_config: Option<DeploymentConfig>,
    client_request_token: Option<String>,
    #[serde(default)]
    disable_validation: bool,
}

impl Operation for CreateStack {
    type Output = Begun;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "CreateStack";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Begun, ServiceError> {
        require_name(&self.stack_name)?;
        let store = call.cloud.part::<Store>();
        let existing = store.stack(&self.stack_name);
        // A stack that only a change set has made so far can be created without it.
        let (reviewed, existing) = match existing {
            Some(stack) if stack.status == Status::ReviewInProgress => (Some(stack), None),
            existing => (None, existing),
        };
        if let Some(existing) = existing {
            let again = self.client_request_token.is_some()
                && existing.operation.client_token == self.client_request_token;
            return match again {
                true => Ok(Begun { stack_id: existing.id, operation_id: existing.operation.id }),
                false => Err(already_exists(&self.stack_name)),
            };
        }
        let is_new = reviewed.is_none();
        require_assumable(call, self.role_arn.as_deref(), None).await?;
        let mut stack = reviewed.unwrap_or_else(|| new_stack(call, &self.stack_name));
        let prepared = self.revision.prepare(call, &stack).await?;
        let changes = prepared.changes(call, &stack)?;
        let faults = validation::failures(call, &stack, (&prepared, &changes), self.disable_validation).await;
        let disabled = self.deployment_config.and_then(|config| config.disable_rollback);
        stack.options = StackOptions {
            on_failure: match self.on_failure {
                Some(choice) => choice,
                None if disabled.unwrap_or(self.disable_rollback) => OnFailure::DoNothing,
                None => OnFailure::Rollback,
            },
            retain_except_on_create: self.retain_except_on_create,
            revert_drift: false,
            role_arn: self.role_arn,
            timeout_minutes: self.timeout_in_minutes,
        };
        stack.current = prepared.revision;
        stack.termination_protection = self.enable_termination_protection;
        stack.policy = self.policy.text(call).await?;
        if is_new && store.put_new(&stack)?.is_some() {
            return Err(already_exists(&self.stack_name));
        }
        let beginning = Beginning {
            stack_id: &stack.id.clone(),
            status: Status::CreateInProgress,
            kind: "CREATE_STACK",
            client_token: self.client_request_token,
        };
        let begun = beginning.go(call, |current| {
            if current.status != Status::ReviewInProgress {
                return Err(already_exists(&self.stack_name));
            }
            *current = Stack { faults, ..stack };
            Ok(())
        })?;
        store.outdate_change_sets(&begun.id)?;
        Ok(Begun { stack_id: begun.id, operation_id: begun.operation.id })
    }
}

fn already_exists(name: &str) -> ServiceError {
    ServiceError::new("AlreadyExistsException", format!("Stack [{name}] already exists"))
}

/// `UpdateStack`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateStack {
    stack_name: String,
    #[serde(flatten)]
    revision: RevisionRequest,
    #[serde(default)]
    disable_rollback: bool,
    #[serde(flatten)]
    policy: PolicySource,
    #[serde(flatten)]
    policy_during_update: PolicyDuringUpdate,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    #[serde(default)]
    retain_except_on_create: bool,
    deployment_config: Option<DeploymentConfig>,
    client_request_token: Option<String>,
    #[serde(default)]
    disable_validation: bool,
}

impl Operation for UpdateStack {
    type Output = Begun;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "UpdateStack";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Begun, ServiceError> {
        let found = call.cloud.part::<Store>().stack(&self.stack_name);
        let stack = found
            .ok_or_else(|| ServiceError::validation(format!("Stack [{}] does not exist", self.stack_name)))?;
        require_updatable(&stack)?;
        require_assumable(call, self.role_arn.as_deref(), stack.options.role_arn.as_deref()).await?;
        let prepared = self.revision.prepare(call, &stack).await?;
        let changes = prepared.changes(call, &stack)?;
        if !changes.anything {
            return Err(ServiceError::validation("No updates are to be performed."));
        }
        let faults = validation::failures(call, &stack, (&prepared, &changes), self.disable_validation).await;
        let disabled = self.deployment_config.and_then(|config| config.disable_rollback);
        let keep = disabled.unwrap_or(self.disable_rollback);
        require_rollback_stays_disabled(&stack, keep)?;
        let policy = self.policy.text(call).await?;
        let policy_during_update = self.policy_during_update.text(call).await?;
        let beginning = Beginning {
            stack_id: &stack.id,
            status: Status::UpdateInProgress,
            kind: "UPDATE_STACK",
            client_token: self.client_request_token,
        };
        let now = call.cloud.clock().now();
        let stack = beginning.go(call, |stack| {
            require_updatable(stack)?;
            take_up(stack, prepared.revision, now);
            stack.faults = faults;
            stack.options.on_failure = if keep { OnFailure::DoNothing } else { OnFailure::Rollback };
            stack.options.retain_except_on_create = self.retain_except_on_create;
            stack.options.revert_drift = false;
            if policy.is_some() {
                stack.policy = policy;
            }
            stack.policy_during_update = policy_during_update;
            if self.role_arn.is_some() {
                stack.options.role_arn = self.role_arn;
            }
            Ok(())
        })?;
        call.cloud.part::<Store>().outdate_change_sets(&stack.id)?;
        Ok(Begun { stack_id: stack.id, operation_id: stack.operation.id })
    }
}

/// `DeleteStack`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteStack {
    stack_name: String,
    #[serde(default)]
    retain_resources: Vec<String>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    deletion_mode: Option<String>,
    client_request_token: Option<String>,
}

impl Operation for DeleteStack {
    type Output = serde_json::Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DeleteStack";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Self::Output, ServiceError> {
        let nothing = serde_json::json!({});
        let store = call.cloud.part::<Store>();
        // Deleting what is not there succeeds, as on AWS.
        let Some(stack) = store.stack(&self.stack_name) else { return Ok(nothing) };
        if matches!(stack.status, Status::DeleteComplete | Status::DeleteInProgress) {
            return Ok(nothing);
        }
        require_assumable(call, self.role_arn.as_deref(), stack.options.role_arn.as_deref()).await?;
        let run = Run::new(&call.cloud, &stack.id);
        // The exports are looked at before anything is done; the call itself succeeds.
        if let Some(conflict) = run.export_conflict(&stack, &[]).filter(|_| !stack.termination_protection) {
            run.stack_event(&stack, stack.status, Some(conflict.clone()))?;
            store.stacks.update(&stack.id, |stack| stack.reason = Some(conflict))?;
            return Ok(nothing);
        }
        let beginning = Beginning {
            stack_id: &stack.id,
            status: Status::DeleteInProgress,
            kind: "DELETE_STACK",
            client_token: self.client_request_token.clone(),
        };
        beginning.go(call, |stack| {
            self.require_deletable(stack)?;
            stack.retained = self.retain_resources;
            stack.force_delete = self.deletion_mode.as_deref() == Some("FORCE_DELETE_STACK");
            if self.role_arn.is_some() {
                stack.options.role_arn = self.role_arn;
            }
            Ok(())
        })?;
        store.forget_unexecuted(&stack.id, stack.change_set_id.as_deref())?;
        Ok(nothing)
    }
}

impl DeleteStack {
    fn require_deletable(&self, stack: &Stack) -> Result<(), ServiceError> {
        let (name, status) = (&stack.name, stack.status);
        if stack.termination_protection {
            return Err(ServiceError::validation(format!(
                "Stack [{name}] cannot be deleted while TerminationProtection is enabled"
            )));
        }
        if status.is_in_flight() && status != Status::CreateInProgress {
            return Err(ServiceError::validation(format!(
                "Stack [{}] cannot be deleted while in status {status}",
                stack.id
            )));
        }
        let failed = status == Status::DeleteFailed;
        if !failed && !self.retain_resources.is_empty() {
            return Err(ServiceError::validation(format!(
                "Invalid operation on stack [{}]. When you delete a stack, specify which resources to retain \
                 only when the stack is in the DELETE_FAILED state.",
                stack.id
            )));
        }
        if !failed && self.deletion_mode.as_deref() == Some("FORCE_DELETE_STACK") {
            return Err(ServiceError::validation(format!(
                "Invalid operation on stack [{}]. FORCE_DELETE_STACK is allowed only when the stack is in the \
                 DELETE_FAILED state.",
                stack.id
            )));
        }
        Ok(())
    }
}
