//! Drift detection: what differs from what was deployed (user guide, "Detect unmanaged configuration changes").

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::drift::{Live, compared, differences};
use super::super::engine::{Run, masked};
use super::super::status::Status;
use super::super::store::{Drift, DriftDetection, Resource, Stack, Store};
use super::{living_stack, page, stack_arn, without_nulls};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `DetectStackDrift`. The detection is complete when the call is answered.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DetectStackDrift {
    stack_name: String,
    #[serde(default)]
    logical_resource_ids: Vec<String>,
}

impl Operation for DetectStackDrift {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DetectStackDrift";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let store = call.cloud.part::<Store>();
        let stack = living_stack(call, &self.stack_name)?;
        require_detectable(&stack)?;
        let mut resources = store.resources_of(&stack.id);
        if let Some(id) = self.logical_resource_ids.iter().find(|id| !resources.contains_key(*id)) {
            return Err(no_resource(id, &stack));
        }
        let wanted = &self.logical_resource_ids;
        resources.retain(|id, one| !one.is_gone() && (wanted.is_empty() || wanted.contains(id)));
        let mut failed = Vec::new();
        for (id, resource) in resources {
            match detect(call, &stack, resource).await {
                Ok(_) => {}
                // The other resources' results stand.
                Err(error) => failed.push(format!("{id}: {}", error.message)),
            }
        }
        let (status, drifted) = summed_up(call, &stack)?;
        let detection = DriftDetection {
            id: crate::id::uuid(),
            stack_id: stack.id.clone(),
            time: call.cloud.clock().now(),
            reason: (!failed.is_empty()).then(|| format!("Failed to detect drift on {}", failed.join("; "))),
            stack_drift_status: if failed.is_empty() { status } else { "UNKNOWN" }.to_owned(),
            drifted,
        };
        // Only the newest of a stack is of use: none could have been under way.
        for (id, old) in store.drift_detections.entries() {
            if old.stack_id == stack.id {
                store.drift_detections.remove(&id)?;
            }
        }
        store.drift_detections.put(&detection.id, &detection)?;
        Ok(json!({"StackDriftDetectionId": detection.id}))
    }
}

/// `DescribeStackDriftDetectionStatus`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStackDriftDetectionStatus {
    stack_drift_detection_id: String,
}

impl Operation for DescribeStackDriftDetectionStatus {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DescribeStackDriftDetectionStatus";

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let id = &self.stack_drift_detection_id;
        let found = call.cloud.part::<Store>().drift_detections.get(id);
        let detection = found.ok_or_else(|| {
            ServiceError::validation(format!("Drift detection operation [{id}] does not exist"))
        })?;
        let status = if detection.reason.is_some() { "DETECTION_FAILED" } else { "DETECTION_COMPLETE" };
        Ok(without_nulls(json!({
            "StackId": detection.stack_id,
            "StackDriftDetectionId": detection.id,
            "StackDriftStatus": detection.stack_drift_status,
            "DetectionStatus": status,
            "DetectionStatusReason": detection.reason,
            "DriftedStackResourceCount": detection.drifted,
            "Timestamp": detection.time,
        })))
    }
}

/// `DetectStackResourceDrift`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DetectStackResourceDrift {
    stack_name: String,
    logical_resource_id: String,
}

impl Operation for DetectStackResourceDrift {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DetectStackResourceDrift";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let stack = living_stack(call, &self.stack_name)?;
        require_detectable(&stack)?;
        let resources = call.cloud.part::<Store>().resources_of(&stack.id);
        let found = resources.into_iter().find(|(id, one)| *id == self.logical_resource_id && !one.is_gone());
        let (id, resource) = found.ok_or_else(|| no_resource(&self.logical_resource_id, &stack))?;
        let resource_type = resource.resource_type.clone();
        let checked = detect(call, &stack, resource).await?;
        let shown = shown(&stack, &checked).ok_or_else(|| {
            ServiceError::validation(format!(
                "Drift detection is not supported for resource {id} of type {resource_type}"
            ))
        })?;
        summed_up(call, &stack)?;
        Ok(json!({"StackResourceDrift": shown}))
    }
}

/// `DescribeStackResourceDrifts`: of resources that were checked.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStackResourceDrifts {
    stack_name: String,
    #[serde(default)]
    stack_resource_drift_status_filters: Vec<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StackResourceDrifts {
    stack_resource_drifts: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Operation for DescribeStackResourceDrifts {
    type Output = StackResourceDrifts;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "DescribeStackResourceDrifts";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<StackResourceDrifts, ServiceError> {
        let stack = living_stack(call, &self.stack_name)?;
        let resources = call.cloud.part::<Store>().resources_of(&stack.id);
        let mut drifts: Vec<Value> = resources.values().filter_map(|one| shown(&stack, one)).collect();
        let filters = &self.stack_resource_drift_status_filters;
        drifts.retain(|drift| {
            let status = &drift["StackResourceDriftStatus"];
            filters.is_empty() || filters.iter().any(|filter| status == filter)
        });
        let size = self.max_results.unwrap_or(100);
        let (stack_resource_drifts, next_token) = page(drifts, self.next_token.as_deref(), size)?;
        Ok(StackResourceDrifts { stack_resource_drifts, next_token })
    }
}

fn require_detectable(stack: &Stack) -> Result<(), ServiceError> {
    let detectable = matches!(
        stack.status,
        Status::CreateComplete
            | Status::UpdateComplete
            | Status::ImportComplete
            | Status::UpdateRollbackComplete
            | Status::UpdateRollbackFailed
    );
    if detectable {
        return Ok(());
    }
    Err(ServiceError::validation(format!(
        "Drift detection cannot be performed on stack [{}] while in status {}",
        stack.id, stack.status
    )))
}

fn no_resource(id: &str, stack: &Stack) -> ServiceError {
    ServiceError::validation(format!("Resource {id} does not exist for stack {}", stack.name))
}

/// Looks at one resource and keeps what was found.
async fn detect(call: &Call, stack: &Stack, mut resource: Resource) -> Result<Resource, ServiceError> {
    let run = Run::new(&call.cloud, &stack.id);
    // It is read with the rights of who asks.
    let asking = Stack { principal: call.principal.clone(), ..stack.clone() };
    let live = run.live(&asking, &resource).await?;
    let (status, expected, actual) = match &live {
        Live::Unreadable => return Ok(resource),
        Live::Gone => ("DELETED", resource.properties.clone(), None),
        Live::There(actual) => {
            let (expected, found) = compared(&resource.properties, actual);
            let same = differences(&expected, &found).is_empty();
            (if same { "IN_SYNC" } else { "MODIFIED" }, expected, Some(found))
        }
    };
    let time = call.cloud.clock().now();
    resource.drift = Some(Drift { status: status.to_owned(), time, expected, actual });
    let drift = resource.drift.clone();
    let key = super::super::store::resource_key(&stack.id, &resource.logical_id);
    call.cloud.part::<Store>().resources.update(&key, |row| row.drift = drift)?;
    Ok(resource)
}

/// The stack's drift status, and how many of its resources have drifted, from what is known of each.
fn summed_up(call: &Call, stack: &Stack) -> Result<(&'static str, usize), ServiceError> {
    let store = call.cloud.part::<Store>();
    let resources = store.resources_of(&stack.id);
    let statuses = resources.values().filter_map(|one| Some(one.drift.as_ref()?.status.as_str()));
    let drifted = statuses.filter(|status| matches!(*status, "MODIFIED" | "DELETED")).count();
    let status = if drifted > 0 { "DRIFTED" } else { "IN_SYNC" };
    let drift = (status.to_owned(), call.cloud.clock().now());
    store.stacks.update(&stack.id, |row| row.drift = Some(drift))?;
    Ok((status, drifted))
}

fn shown(stack: &Stack, resource: &Resource) -> Option<Value> {
    let drift = resource.drift.as_ref()?;
    let parameters = &stack.current.parameters;
    let actual = drift.actual.as_ref();
    let differences = actual.map(|actual| {
        let found = differences(&drift.expected, actual);
        found.iter().map(|one| one.shown()).collect::<Vec<_>>()
    });
    let text = serde_json::to_string(&differences).ok()?;
    let differences: Value = serde_json::from_str(&masked(&text, parameters)).unwrap_or_default();
    Some(without_nulls(json!({
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.resource_type,
        "ExpectedProperties": masked(&drift.expected.to_string(), parameters),
        "ActualProperties": actual.map(|actual| masked(&actual.to_string(), parameters)),
        "PropertyDifferences": differences,
        "StackResourceDriftStatus": drift.status,
        "Timestamp": drift.time,
    })))
}
