//! Reading and deleting change sets.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::status::Status;
use super::super::store::{ChangeSet, OnFailure, Store};
use super::{known_stack, page, stack_arn, without_nulls};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// The change set of this name on a stack, or of this ID.
pub(super) fn find_change_set(
    call: &Call,
    name_or_id: &str,
    stack: Option<&str>,
) -> Result<ChangeSet, ServiceError> {
    let store = call.cloud.part::<Store>();
    let missing = || {
        let text = format!("ChangeSet [{name_or_id}] does not exist");
        ServiceError::new("ChangeSetNotFoundException", text).with_status(404)
    };
    if name_or_id.starts_with("arn:") {
        return store.change_sets.get(name_or_id).ok_or_else(missing);
    }
    let Some(stack_name) = stack else {
        return Err(ServiceError::validation(
            "StackName must be specified if ChangeSetName is not specified as an ARN.",
        ));
    };
    let Some(stack) = store.stack(stack_name).filter(|stack| stack.status != Status::DeleteComplete) else {
        return Err(ServiceError::validation(format!("Stack [{stack_name}] does not exist")));
    };
    let found = store.change_sets_of(&stack.id).into_iter().rfind(|set| set.name == name_or_id);
    found.ok_or_else(missing)
}

/// `DescribeChangeSet`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeChangeSet {
    change_set_name: String,
    stack_name: Option<String>,
    next_token: Option<String>,
    #[serde(default)]
    include_property_values: bool,
}

impl Operation for DescribeChangeSet {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DescribeChangeSet";

    fn resource(&self, cloud: &Cloud) -> String {
        self.stack_name.as_ref().map_or("*".to_owned(), |name| stack_arn(cloud, name))
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let set = find_change_set(call, &self.change_set_name, self.stack_name.as_deref())?;
        let changes = if self.include_property_values { set.changes_with_values } else { set.changes };
        let (changes, next_token) = page(changes, self.next_token.as_deref(), 500)?;
        let parameters: Vec<_> = set
            .revision
            .parameters
            .iter()
            .map(|one| json!({"ParameterKey": one.key, "ParameterValue": one.shown()}))
            .collect();
        Ok(without_nulls(json!({
            "ChangeSetName": set.name,
            "ChangeSetId": set.id,
            "StackId": set.stack_id,
            "StackName": set.stack_name,
            "Description": set.description,
            "Parameters": (!parameters.is_empty()).then_some(parameters),
            "CreationTime": set.created,
            "ExecutionStatus": set.execution_status,
            "Status": set.status,
            "StatusReason": set.reason,
            "NotificationARNs": set.revision.notification_arns,
            "RollbackConfiguration": {},
            "ImportExistingResources": set.import_existing.then_some(true),
            "StackDriftStatus": set.drift_status,
            "DeploymentMode": set.options.revert_drift.then_some("REVERT_DRIFT"),
            "Capabilities": set.revision.capabilities,
            "Tags": set.revision.tags,
            "Changes": changes,
            "NextToken": next_token,
            "IncludeNestedStacks": false,
            "OnStackFailure": set.on_stack_failure.map(OnFailure::name),
        })))
    }
}

/// `ListChangeSets`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListChangeSets {
    stack_name: String,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeSetSummaries {
    summaries: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Operation for ListChangeSets {
    type Output = ChangeSetSummaries;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ListChangeSets";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<ChangeSetSummaries, ServiceError> {
        let stack = known_stack(call, &self.stack_name)?;
        let mut sets = call.cloud.part::<Store>().change_sets_of(&stack.id);
        sets.retain(|set| !set.is_executed());
        let (sets, next_token) = page(sets, self.next_token.as_deref(), 100)?;
        Ok(ChangeSetSummaries { summaries: sets.iter().map(summary).collect(), next_token })
    }
}

fn summary(set: &ChangeSet) -> Value {
    without_nulls(json!({
        "StackId": set.stack_id,
        "StackName": set.stack_name,
        "ChangeSetId": set.id,
        "ChangeSetName": set.name,
        "ExecutionStatus": set.execution_status,
        "Status": set.status,
        "StatusReason": set.reason,
        "CreationTime": set.created,
        "Description": set.description,
        "IncludeNestedStacks": false,
    }))
}

/// `DeleteChangeSet`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteChangeSet {
    change_set_name: String,
    stack_name: Option<String>,
}

impl Operation for DeleteChangeSet {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DeleteChangeSet";

    fn resource(&self, cloud: &Cloud) -> String {
        self.stack_name.as_ref().map_or("*".to_owned(), |name| stack_arn(cloud, name))
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let found = find_change_set(call, &self.change_set_name, self.stack_name.as_deref());
        let set = match found {
            // What is gone already counts as deleted.
            Err(error) if error.code == "ChangeSetNotFoundException" => return Ok(json!({})),
            found => found?,
        };
        if set.execution_status == "EXECUTE_IN_PROGRESS" {
            return Err(ServiceError::new(
                "InvalidChangeSetStatusException",
                format!("ChangeSet [{}] is being executed and cannot be deleted", set.id),
            ));
        }
        call.cloud.part::<Store>().change_sets.remove(&set.id)?;
        Ok(json!({}))
    }
}
