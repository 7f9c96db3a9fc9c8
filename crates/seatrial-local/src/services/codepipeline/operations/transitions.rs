//! The transition into a stage: disabled, executions wait before it.

use serde::{Deserialize, Serialize};

use super::{Nothing, no_pipeline, no_stage, pipeline_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codepipeline::engine::Pipelines;
use crate::services::codepipeline::store::{CodePipeline, Transition};

/// `DisableStageTransition`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DisableStageTransition {
    pub pipeline_name: String,
    pub stage_name: String,
    /// `Inbound`; the other kind is refused.
    pub transition_type: String,
    pub reason: String,
}

impl Operation for DisableStageTransition {
    type Output = Nothing;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "DisableStageTransition";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &format!("{}/{}", self.pipeline_name, self.stage_name))
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        set(call, (&self.pipeline_name, &self.stage_name, &self.transition_type), Some(self.reason))
    }
}

/// `EnableStageTransition`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnableStageTransition {
    pub pipeline_name: String,
    pub stage_name: String,
    pub transition_type: String,
}

impl Operation for EnableStageTransition {
    type Output = Nothing;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "EnableStageTransition";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &format!("{}/{}", self.pipeline_name, self.stage_name))
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        set(call, (&self.pipeline_name, &self.stage_name, &self.transition_type), None)
    }
}

/// Disables the transition for `reason`, or without one enables it.
fn set(
    call: &Call,
    (pipeline, stage, direction): (&str, &str, &str),
    reason: Option<String>,
) -> Result<Nothing, ServiceError> {
    if direction != "Inbound" {
        let message = format!("the local cloud has inbound transitions only, not {direction}");
        return Err(ServiceError::new("ValidationException", message));
    }
    let transition = Transition {
        enabled: reason.is_none(),
        reason,
        by: call.principal.arn.clone(),
        at: call.cloud.clock().now(),
    };
    let set = call.cloud.part::<CodePipeline>().pipelines.try_update(pipeline, |row| {
        if row.declaration.stage(stage).is_none() {
            return Err(no_stage(pipeline, stage));
        }
        row.transitions.insert(stage.to_owned(), transition);
        Ok(())
    })?;
    set.ok_or_else(|| no_pipeline(&call.cloud, pipeline))?;
    call.cloud.start::<Pipelines>(pipeline);
    Ok(Nothing {})
}
