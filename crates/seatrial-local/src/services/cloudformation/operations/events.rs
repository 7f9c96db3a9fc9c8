//! What happened: `DescribeStackEvents`, `DescribeEvents`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::store::{ChangeSet, Event, Stack, Store, ValidationFault};
use super::{page, stack_arn, without_nulls};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `DescribeStackEvents`: newest first, also of a deleted stack by its ID.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStackEvents {
    stack_name: String,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StackEvents {
    stack_events: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Operation for DescribeStackEvents {
    type Output = StackEvents;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DescribeStackEvents";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<StackEvents, ServiceError> {
        let store = call.cloud.part::<Store>();
        let Some(stack) = store.stack(&self.stack_name) else {
            return Err(ServiceError::validation(format!("Stack [{}] does not exist", self.stack_name)));
        };
        let (events, next_token) = page(store.events_of(&stack.id), self.next_token.as_deref(), 100)?;
        Ok(StackEvents { stack_events: events.iter().map(stack_event).collect(), next_token })
    }
}

fn stack_event(event: &Event) -> Value {
    without_nulls(json!({
        "StackId": event.stack_id,
        "EventId": event.id,
        "StackName": event.stack_name,
        "OperationId": event.operation.id,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.resource_type,
        "Timestamp": event.time,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ResourceProperties": event.properties,
        "ClientRequestToken": event.operation.client_token,
    }))
}

/// `DescribeEvents`: of a stack, of one operation, or of a change set's validation.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeEvents {
    stack_name: Option<String>,
    change_set_name: Option<String>,
    operation_id: Option<String>,
    filters: Option<EventFilter>,
    next_token: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventFilter {
    #[serde(default)]
    failed_events: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OperationEvents {
    operation_events: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Operation for DescribeEvents {
    type Output = OperationEvents;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DescribeEvents";

    async fn handle(self, call: &Call) -> Result<OperationEvents, ServiceError> {
        let store = call.cloud.part::<Store>();
        let mut sets = store.change_sets.values();
        let mut events = match (&self.change_set_name, &self.stack_name, &self.operation_id) {
            (Some(name), stack, _) => {
                let stack = stack.as_ref().and_then(|name| store.stack(name)).map(|stack| stack.id);
                sets.retain(|set| {
                    set.id == *name || (set.name == *name && stack.as_ref() == Some(&set.stack_id))
                });
                if sets.is_empty() {
                    let text = format!("ChangeSet [{name}] does not exist");
                    return Err(ServiceError::new("ChangeSetNotFoundException", text).with_status(404));
                }
                Vec::new()
            }
            (None, Some(name), _) => {
                let stack = store.stack(name);
                let stack = stack.ok_or_else(|| {
                    ServiceError::validation(format!("Stack with id {name} does not exist"))
                })?;
                sets.retain(|set| set.stack_id == stack.id);
                store.events_of(&stack.id)
            }
            (None, None, Some(_)) => store.events.values().into_iter().rev().collect(),
            (None, None, None) => {
                return Err(ServiceError::validation(
                    "One of ChangeSetName, OperationId or StackName must be specified",
                ));
            }
        };
        if let Some(id) = &self.operation_id {
            events.retain(|event| event.operation.id == *id);
            sets.retain(|set| set.operation_id == *id);
        }
        if self.filters.is_some_and(|filters| filters.failed_events) {
            events.retain(|event| event.status.name().ends_with("_FAILED"));
        }
        let mut stacks = store.stacks.values();
        stacks.retain(|stack| match (&self.change_set_name, &self.stack_name, &self.operation_id) {
            (Some(_), _, _) => false,
            (_, _, Some(id)) => stack.operation.id == *id,
            (_, Some(name), None) => stack.id == *name || stack.name == *name,
            (None, None, None) => false,
        });
        let validation = sets.iter().map(Validated::of_change_set);
        let validation = validation.chain(stacks.iter().map(Validated::of_stack));
        let validation = validation.flat_map(|one| one.events());
        let all: Vec<Value> = events.iter().map(operation_event).chain(validation).collect();
        let (operation_events, next_token) = page(all, self.next_token.as_deref(), 100)?;
        Ok(OperationEvents { operation_events, next_token })
    }
}

fn operation_event(event: &Event) -> Value {
    let mut value = stack_event(event);
    if let Value::Object(members) = &mut value {
        members.remove("StackName");
        members.insert("OperationType".to_owned(), json!(event.operation.kind));
        members.insert("EventType".to_owned(), json!("STACK_EVENT"));
    }
    value
}

/// An operation that was validated, and what was found.
struct Validated<'a> {
    stack_id: &'a str,
    operation_id: &'a str,
    operation: &'a str,
    time: Epoch,
    faults: &'a [ValidationFault],
}

impl<'a> Validated<'a> {
    fn of_change_set(set: &'a ChangeSet) -> Self {
        Self {
            stack_id: &set.stack_id,
            operation_id: &set.operation_id,
            operation: "CREATE_CHANGESET",
            time: set.created,
            faults: &set.faults,
        }
    }

    fn of_stack(stack: &'a Stack) -> Self {
        Self {
            stack_id: &stack.id,
            operation_id: &stack.operation.id,
            operation: &stack.operation.kind,
            time: stack.updated.unwrap_or(stack.created),
            faults: &stack.faults,
        }
    }

    fn events(&self) -> Vec<Value> {
        let event = |(index, fault): (usize, &ValidationFault)| {
            json!({
                "EventId": format!("{}-{index}", self.operation_id),
                "StackId": self.stack_id,
                "OperationId": self.operation_id,
                "OperationType": self.operation,
                "EventType": "VALIDATION_ERROR",
                "LogicalResourceId": fault.logical_id,
                "ResourceType": fault.resource_type,
                "Timestamp": self.time,
                "ValidationFailureMode": if fault.warns { "WARN" } else { "FAIL" },
                "ValidationName": fault.name,
                "ValidationStatus": "FAILED",
                "ValidationStatusReason": fault.text,
                "ValidationPath": fault.path,
            })
        };
        self.faults.iter().enumerate().map(event).collect()
    }
}
