//! CloudFormation's drift detection: how resources differ from what their stack's template says.

use aws_sdk_cloudformation::types::{self as sdk, StackDriftDetectionStatus, StackResourceDriftStatus};
use serde::Serialize;

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "CloudFormation";

/// How a detection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Detection {
    Running,
    Complete,
    /// Some resources could not be read; the others are told.
    Failed(String),
}

/// A resource that is not as its template says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DriftedResource {
    pub logical_id: String,
    pub resource_type: String,
    /// MODIFIED or DELETED.
    pub status: String,
    pub differences: Vec<PropertyDrift>,
}

/// One place in a resource's properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PropertyDrift {
    /// `/Actions/0/ForwardConfig/TargetGroups/0/Weight`.
    pub path: String,
    pub expected: String,
    pub actual: String,
}

impl Aws {
    /// Begins to detect the drift of a stack, by its id; answers the detection's id.
    pub(crate) async fn detect_drift(&self, stack: &str) -> Result<String, AwsError> {
        // It changes nothing but what CloudFormation notes of the drift.
        let answer = self.unnoted_cloudformation().detect_stack_drift().stack_name(stack).send().await;
        let answer = answer.attempt(SERVICE, || format!("detect the drift of stack `{stack}`"))?;
        Ok(answer.stack_drift_detection_id.unwrap_or_default())
    }

    pub(crate) async fn drift_detection(&self, id: &str) -> Result<Detection, AwsError> {
        let request = self.cloudformation().describe_stack_drift_detection_status();
        let answer = request.stack_drift_detection_id(id).send().await;
        let answer = answer.attempt(SERVICE, || format!("describe drift detection `{id}`"))?;
        Ok(match answer.detection_status {
            Some(StackDriftDetectionStatus::DetectionInProgress) => Detection::Running,
            Some(StackDriftDetectionStatus::DetectionFailed) => {
                Detection::Failed(answer.detection_status_reason.unwrap_or_default())
            }
            _ => Detection::Complete,
        })
    }

    /// What the last detection found changed or deleted.
    pub(crate) async fn drifted_resources(&self, stack: &str) -> Result<Vec<DriftedResource>, AwsError> {
        let request = self.cloudformation().describe_stack_resource_drifts().stack_name(stack);
        let request = request
            .stack_resource_drift_status_filters(StackResourceDriftStatus::Modified)
            .stack_resource_drift_status_filters(StackResourceDriftStatus::Deleted);
        let mut pages = request.into_paginator().send();
        let mut drifted = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || format!("describe the drift of stack `{stack}`"))?;
            drifted.extend(page.stack_resource_drifts.unwrap_or_default().into_iter().map(resource));
        }
        Ok(drifted)
    }
}

fn resource(drift: sdk::StackResourceDrift) -> DriftedResource {
    let difference = |difference: sdk::PropertyDifference| PropertyDrift {
        path: difference.property_path.unwrap_or_default(),
        expected: difference.expected_value.unwrap_or_default(),
        actual: difference.actual_value.unwrap_or_default(),
    };
    DriftedResource {
        logical_id: drift.logical_resource_id.unwrap_or_default(),
        resource_type: drift.resource_type.unwrap_or_default(),
        status: drift
            .stack_resource_drift_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        differences: drift.property_differences.unwrap_or_default().into_iter().map(difference).collect(),
    }
}
