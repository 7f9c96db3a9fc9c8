//! What stacks are: `DescribeStacks`, `ListStacks`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::status::Status;
use super::super::store::{OnFailure, OperationEntry, Stack, Store};
use super::{known_stack, page, stack_arn, without_nulls};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `DescribeStacks`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStacks {
    stack_name: Option<String>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stacks {
    stacks: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Operation for DescribeStacks {
    type Output = Stacks;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DescribeStacks";

    fn resource(&self, cloud: &Cloud) -> String {
        self.stack_name.as_ref().map_or("*".to_owned(), |name| stack_arn(cloud, name))
    }

    async fn handle(self, call: &Call) -> Result<Stacks, ServiceError> {
        if let Some(name) = &self.stack_name {
            return Ok(Stacks { stacks: vec![described(&known_stack(call, name)?)], next_token: None });
        }
        let mut stacks = call.cloud.part::<Store>().stacks.values();
        stacks.retain(|stack| stack.status != Status::DeleteComplete);
        newest_first(&mut stacks);
        let (stacks, next_token) = page(stacks, self.next_token.as_deref(), 100)?;
        Ok(Stacks { stacks: stacks.iter().map(described).collect(), next_token })
    }
}

fn newest_first(stacks: &mut [Stack]) {
    stacks.sort_by(|a, b| b.created.0.total_cmp(&a.created.0));
}

fn described(stack: &Stack) -> Value {
    let parameters: Vec<_> = stack
        .current
        .parameters
        .iter()
        .map(|one| {
            let stored = one.stored.as_ref().filter(|_| !one.no_echo);
            without_nulls(
                json!({"ParameterKey": one.key, "ParameterValue": one.shown(), "ResolvedValue": stored}),
            )
        })
        .collect();
    without_nulls(json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set_id,
        "Description": stack.current.description,
        "Parameters": (!parameters.is_empty()).then_some(parameters),
        "CreationTime": stack.created,
        "DeletionTime": stack.deleted,
        "LastUpdatedTime": stack.updated,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": shown_reason(stack),
        "DisableRollback": stack.options.on_failure == OnFailure::DoNothing,
        "NotificationARNs": stack.current.notification_arns,
        "TimeoutInMinutes": stack.options.timeout_minutes,
        "Capabilities": (!stack.current.capabilities.is_empty()).then_some(&stack.current.capabilities),
        "Outputs": (!stack.outputs.is_empty()).then_some(&stack.outputs),
        "RoleARN": stack.options.role_arn,
        "Tags": stack.current.tags,
        "EnableTerminationProtection": stack.termination_protection,
        "DriftInformation": stack.drift_information(),
        "RetainExceptOnCreate": stack.options.retain_except_on_create.then_some(true),
        "LastOperations": last_operations(&stack.operation),
    }))
}

fn shown_reason(stack: &Stack) -> Option<&str> {
    stack.reason.as_deref().filter(|reason| !reason.is_empty())
}

fn last_operations(operation: &OperationEntry) -> Option<Value> {
    let known = !operation.id.is_empty();
    known.then(|| json!([{"OperationType": operation.kind, "OperationId": operation.id}]))
}

/// `ListStacks`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListStacks {
    #[serde(default)]
    stack_status_filter: Vec<String>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StackSummaries {
    stack_summaries: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Operation for ListStacks {
    type Output = StackSummaries;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ListStacks";

    async fn handle(self, call: &Call) -> Result<StackSummaries, ServiceError> {
        let mut stacks = call.cloud.part::<Store>().stacks.values();
        let wanted = &self.stack_status_filter;
        stacks.retain(|stack| wanted.is_empty() || wanted.iter().any(|name| name == stack.status.name()));
        newest_first(&mut stacks);
        let (stacks, next_token) = page(stacks, self.next_token.as_deref(), 100)?;
        Ok(StackSummaries { stack_summaries: stacks.iter().map(summary).collect(), next_token })
    }
}

fn summary(stack: &Stack) -> Value {
    without_nulls(json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "TemplateDescription": stack.current.description,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": shown_reason(stack),
        "DriftInformation": stack.drift_information(),
        "LastOperations": last_operations(&stack.operation),
    }))
}
