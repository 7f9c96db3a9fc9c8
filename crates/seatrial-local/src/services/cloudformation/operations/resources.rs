//! What a stack holds: `DescribeStackResources`, `DescribeStackResource`, `ListStackResources`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::store::{Resource, Stack, Store};
use super::{known_stack, page, stack_arn, without_nulls};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `DescribeStackResources`: of a stack, or of the stack that has a physical resource.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStackResources {
    stack_name: Option<String>,
    logical_resource_id: Option<String>,
    physical_resource_id: Option<String>,
}

impl Operation for DescribeStackResources {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DescribeStackResources";

    fn resource(&self, cloud: &Cloud) -> String {
        self.stack_name.as_ref().map_or("*".to_owned(), |name| stack_arn(cloud, name))
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let store = call.cloud.part::<Store>();
        let stack = match (&self.stack_name, &self.physical_resource_id) {
            (Some(name), _) => known_stack(call, name)?,
            (None, Some(physical_id)) => holder(&store, physical_id)?,
            (None, None) => {
                let text = "Either StackName or PhysicalResourceId must be specified";
                return Err(ServiceError::validation(text));
            }
        };
        let mut resources = store.resources_of(&stack.id);
        if let Some(id) = &self.logical_resource_id {
            resources.retain(|logical_id, _| logical_id == id);
        }
        let shown: Vec<_> = resources.values().map(|one| shown(&stack, one, "Timestamp")).collect();
        Ok(json!({"StackResources": shown}))
    }
}

fn holder(store: &Store, physical_id: &str) -> Result<Stack, ServiceError> {
    let rows = store.resources.entries();
    let row =
        rows.into_iter().find(|(_, row)| row.physical_id.as_deref() == Some(physical_id) && !row.is_gone());
    let id = row.and_then(|(key, _)| key.rsplit_once('/').map(|(stack_id, _)| stack_id.to_owned()));
    let stack = id.and_then(|id| store.stack(&id));
    stack.ok_or_else(|| ServiceError::validation(format!("Stack for {physical_id} does not exist")))
}

fn shown(stack: &Stack, resource: &Resource, time: &str) -> Value {
    let mut shown = without_nulls(json!({
        "StackName": stack.name,
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.resource_type,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": resource.drift_information(),
    }));
    shown[time] = json!(resource.time);
    shown
}

/// `DescribeStackResource`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStackResource {
    stack_name: String,
    logical_resource_id: String,
}

impl Operation for DescribeStackResource {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DescribeStackResource";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let store = call.cloud.part::<Store>();
        let Some(stack) = store.stack(&self.stack_name) else {
            let text = format!("Stack '{}' does not exist", self.stack_name);
            return Err(ServiceError::validation(text));
        };
        let resources = store.resources_of(&stack.id);
        let Some(resource) = resources.get(&self.logical_resource_id) else {
            return Err(ServiceError::validation(format!(
                "Resource {} does not exist for stack {}",
                self.logical_resource_id, self.stack_name
            )));
        };
        let mut detail = shown(&stack, resource, "LastUpdatedTimestamp");
        if !resource.metadata.is_null() {
            detail["Metadata"] = json!(resource.metadata.to_string());
        }
        Ok(json!({"StackResourceDetail": detail}))
    }
}

/// `ListStackResources`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListStackResources {
    stack_name: String,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StackResourceSummaries {
    stack_resource_summaries: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Operation for ListStackResources {
    type Output = StackResourceSummaries;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ListStackResources";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<StackResourceSummaries, ServiceError> {
        let stack = known_stack(call, &self.stack_name)?;
        let resources = call.cloud.part::<Store>().resources_of(&stack.id);
        let (resources, next_token) =
            page(resources.into_values().collect(), self.next_token.as_deref(), 100)?;
        let summary = |resource: &Resource| {
            let mut summary = shown(&stack, resource, "LastUpdatedTimestamp");
            if let Value::Object(members) = &mut summary {
                members.remove("StackName");
                members.remove("StackId");
            }
            summary
        };
        Ok(StackResourceSummaries {
            stack_resource_summaries: resources.iter().map(summary).collect(),
            next_token,
        })
    }
}
