//! CloudFormation's ways out of an operation that failed, and away from a stack.

use aws_sdk_cloudformation::operation::describe_events::builders::DescribeEventsFluentBuilder;
use aws_sdk_cloudformation::types::{EventType, HookFailureMode, OperationEvent};

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "CloudFormation";

/// What CloudFormation found wrong before it made anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValidationError {
    pub logical_id: String,
    pub resource_type: String,
    /// Into the template: `/Resources/Bucket/Properties/Nonsense`.
    pub path: String,
    pub reason: String,
}

impl Aws {
    /// What early validation found wrong with a change set, by its id: DescribeStackEvents does not tell it.
    pub(crate) async fn change_set_faults(&self, id: &str) -> Result<Vec<ValidationError>, AwsError> {
        let request = self.cloudformation().describe_events().change_set_name(id);
        faults(request, format!("describe the events of change set `{id}`")).await
    }

    /// What early validation found wrong with the last operation of a stack, by its id.
    pub(crate) async fn operation_faults(&self, stack: &str) -> Result<Vec<ValidationError>, AwsError> {
        let attempt = || format!("describe the events of stack `{stack}`");
        let answer = self.cloudformation().describe_stack_events().stack_name(stack).send().await;
        let newest = answer.attempt(SERVICE, attempt)?.stack_events.unwrap_or_default().into_iter().next();
        let Some(operation) = newest.and_then(|event| event.operation_id) else { return Ok(Vec::new()) };
        let request = self.cloudformation().describe_events().operation_id(operation);
        faults(request, attempt()).await
    }

    /// Deletes a stack; of one whose deletion failed without the resources of these logical IDs. Of any other AWS
    /// takes none (DeleteStack, `RetainResources`).
    pub(crate) async fn delete_stack(&self, name: &str, retained: &[String]) -> Result<(), AwsError> {
        let request = self.cloudformation().delete_stack().stack_name(name);
        let retained = (!retained.is_empty()).then(|| retained.to_vec());
        let answer = request.set_retain_resources(retained).send().await;
        answer.attempt(SERVICE, || format!("delete stack `{name}`"))?;
        Ok(())
    }

    /// Deletes a stack that holds nothing: the CREATE change set it was made for was not executed. That changes as
    /// little as the change set did.
    pub(crate) async fn delete_empty_stack(&self, id: &str) -> Result<(), AwsError> {
        let answer = self.unnoted_cloudformation().delete_stack().stack_name(id).send().await;
        answer.attempt(SERVICE, || format!("delete the empty stack `{id}`"))?;
        Ok(())
    }

    /// Continues the rollback of an update, taking these logical IDs for rolled back as they are. AWS takes only such
    /// as the rollback failed on (ContinueUpdateRollback, `ResourcesToSkip`).
    pub(crate) async fn continue_update_rollback(
        &self,
        name: &str,
        skipped: &[String],
    ) -> Result<(), AwsError> {
        let request = self.cloudformation().continue_update_rollback().stack_name(name);
        let skipped = (!skipped.is_empty()).then(|| skipped.to_vec());
        let answer = request.set_resources_to_skip(skipped).send().await;
        answer.attempt(SERVICE, || format!("continue the rollback of stack `{name}`"))?;
        Ok(())
    }

    /// Has the update that runs end and be rolled back (CancelUpdateStack).
    pub(crate) async fn cancel_update_stack(&self, name: &str) -> Result<(), AwsError> {
        let answer = self.cloudformation().cancel_update_stack().stack_name(name).send().await;
        answer.attempt(SERVICE, || format!("cancel the update of stack `{name}`"))?;
        Ok(())
    }

    /// Rolls back an update that failed with rollback disabled, to the last state that was stable (RollbackStack).
    pub(crate) async fn rollback_stack(&self, name: &str) -> Result<(), AwsError> {
        let answer = self.cloudformation().rollback_stack().stack_name(name).send().await;
        answer.attempt(SERVICE, || format!("roll back stack `{name}`"))?;
        Ok(())
    }
}

/// The validation errors of all pages, each once.
async fn faults(
    request: DescribeEventsFluentBuilder,
    attempt: String,
) -> Result<Vec<ValidationError>, AwsError> {
    let mut pages = request.into_paginator().send();
    let mut faults: Vec<ValidationError> = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.attempt(SERVICE, || attempt.clone())?;
        let failed = page.operation_events.unwrap_or_default().into_iter().filter_map(failed_validation);
        for fault in failed {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    Ok(faults)
}

/// A warning ends nothing, and is none.
fn failed_validation(event: OperationEvent) -> Option<ValidationError> {
    let warns = event.validation_failure_mode == Some(HookFailureMode::Warn);
    (event.event_type == Some(EventType::ValidationError) && !warns).then(|| ValidationError {
        logical_id: event.logical_resource_id.unwrap_or_default(),
        resource_type: event.resource_type.unwrap_or_default(),
        path: event.validation_path.unwrap_or_default(),
        reason: event.validation_status_reason.unwrap_or_default(),
    })
}
