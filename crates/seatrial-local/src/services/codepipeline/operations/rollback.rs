//! A stage taken back to what an earlier execution had put into it.

use serde::{Deserialize, Serialize};

use super::executions::ExecutionIdOutput;
use super::{find_pipeline, no_pipeline, no_stage, pipeline_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codepipeline::engine::Pipelines;
use crate::services::codepipeline::store::{
    ActionStatus, CodePipeline, ExecutionRow, StageRun, Status, Trigger, execution_key,
};

/// `RollbackStage`: a new execution of type ROLLBACK, of this stage alone, with the artifacts, variables and revisions
/// of the target.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RollbackStage {
    pub pipeline_name: String,
    pub stage_name: String,
    pub target_pipeline_execution_id: String,
}

impl Operation for RollbackStage {
    type Output = ExecutionIdOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "RollbackStage";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &format!("{}/{}", self.pipeline_name, self.stage_name))
    }

    /// What cannot be rolled back: the source, a stage that runs, and to an execution that did not succeed in the
    /// stage, that is a rollback itself, or whose pipeline was another (user guide, "Configuring stage rollback").
    async fn handle(self, call: &Call) -> Result<ExecutionIdOutput, ServiceError> {
        let (cloud, part) = (&call.cloud, call.cloud.part::<CodePipeline>());
        let pipeline = find_pipeline(cloud, &self.pipeline_name)?;
        let stages = &pipeline.declaration.stages;
        let Some(index) = stages.iter().position(|stage| stage.name == self.stage_name) else {
            return Err(no_stage(&self.pipeline_name, &self.stage_name));
        };
        let refuse = |why: &str| {
            let message = format!("Unable to roll back the stage {}: {why}", self.stage_name);
            Err(ServiceError::new("UnableToRollbackStageException", message))
        };
        if index == 0 {
            return refuse("a source stage cannot be rolled back");
        }
        let id = &self.target_pipeline_execution_id;
        let Some(target) = part.executions.get(&execution_key(&self.pipeline_name, id)) else {
            let message = format!("Pipeline execution {id} was not found");
            return Err(ServiceError::new("PipelineExecutionNotFoundException", message));
        };
        if target.declaration.version != pipeline.declaration.version {
            let message = format!("The pipeline was changed since the execution {id}");
            return Err(ServiceError::new("PipelineExecutionOutdatedException", message));
        }
        if target.rollback_of.is_some() {
            return refuse("the target execution is a rollback");
        }
        let status = |row: &ExecutionRow| {
            row.stages.iter().find(|stage| stage.name == self.stage_name).and_then(|stage| stage.status)
        };
        if status(&target) != Some(Status::Succeeded) {
            return refuse("the target execution did not succeed in it");
        }
        let runs = |row: &ExecutionRow| row.status.is_running() && status(row) == Some(Status::InProgress);
        if part.executions_of(&self.pipeline_name).iter().any(runs) {
            return refuse("it is running");
        }
        let sequence = part.pipelines.update(&self.pipeline_name, |row| {
            row.started += 1;
            row.started
        })?;
        let sequence = sequence.ok_or_else(|| no_pipeline(cloud, &self.pipeline_name))?;
        let row = rollback(call, target, (index, sequence));
        part.executions.put(&row.key(), &row)?;
        cloud.start::<Pipelines>(&self.pipeline_name);
        Ok(ExecutionIdOutput { pipeline_execution_id: row.id })
    }
}

/// The stages before are done, those behind are none of it.
fn rollback(call: &Call, target: ExecutionRow, (index, sequence): (usize, u64)) -> ExecutionRow {
    let now = call.cloud.clock().now();
    let done = |run: &crate::services::codepipeline::store::ActionRun| {
        run.current
            && run.status == ActionStatus::Succeeded
            && target.stages[..index].iter().any(|stage| stage.name == run.stage)
    };
    let stages = target.stages.iter().take(index + 1).enumerate().map(|(at, stage)| StageRun {
        name: stage.name.clone(),
        status: (at < index).then_some(Status::Succeeded),
        entered: None,
    });
    ExecutionRow {
        id: crate::id::uuid(),
        sequence,
        status: Status::InProgress,
        summary: None,
        trigger: Trigger {
            trigger_type: "ManualRollback".to_owned(),
            trigger_detail: call.principal.arn.clone(),
        },
        client_token: None,
        start: now,
        updated: now,
        stages: stages.collect(),
        inherited: target.actions.iter().filter(|run| done(run)).cloned().collect(),
        actions: Vec::new(),
        stop_reason: None,
        cancelled: false,
        rollback_of: Some(target.id.clone()),
        ..target
    }
}
