//! Executions: start, stop, retry, describe.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{find_pipeline, no_pipeline, no_stage, pipeline_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codepipeline::engine::Pipelines;
use crate::services::codepipeline::store::{
    ActionStatus, CodePipeline, ExecutionRow, PipelineRow, ResolvedVariable, RevisionOverride, StageRun,
    Status, Trigger, execution_key,
};

/// What an execution is started with.
pub(super) struct Start {
    pipeline: String,
    trigger: &'static str,
    variables: Vec<Variable>,
    overrides: Vec<RevisionOverride>,
    client_token: Option<String>,
}

impl Start {
    pub(super) fn triggered(pipeline: &str, trigger: &'static str) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            trigger,
            variables: Vec::new(),
            overrides: Vec::new(),
            client_token: None,
        }
    }
}

/// Starts an execution and answers its id.
pub(super) fn start(call: &Call, start: Start) -> Result<String, ServiceError> {
    let (cloud, part) = (&call.cloud, call.cloud.part::<CodePipeline>());
    // StartPipelineExecution has words of its own (aws-samples/aws-serverless-saas-workshop#51).
    let row = find_pipeline(cloud, &start.pipeline).map_err(|error| ServiceError {
        message: format!(
            "Pipeline with name {} does not exist in account {}",
            start.pipeline,
            cloud.account()
        ),
        ..error
    })?;
    if start.client_token.is_some() {
        let same =
            |row: &ExecutionRow| row.pipeline == start.pipeline && row.client_token == start.client_token;
        if let Some(found) = part.executions.find(same) {
            return Ok(found.id);
        }
    }
    let variables = resolve(&row, &start.variables)?;
    let sequence = part.pipelines.update(&start.pipeline, |row| {
        row.started += 1;
        row.started
    })?;
    let sequence = sequence.ok_or_else(|| no_pipeline(cloud, &start.pipeline))?;
    let (id, now) = (crate::id::uuid(), cloud.clock().now());
    let stage = |stage: &crate::services::codepipeline::declaration::Stage| StageRun {
        name: stage.name.clone(),
        status: None,
        entered: None,
    };
    let execution = ExecutionRow {
        stages: row.declaration.stages.iter().map(stage).collect(),
        trigger: Trigger {
            trigger_type: start.trigger.to_owned(),
            trigger_detail: call.principal.arn.clone(),
        },
        id: id.clone(),
        pipeline: start.pipeline.clone(),
        sequence,
        declaration: row.declaration,
        status: Status::InProgress,
        summary: None,
        variables,
        overrides: start.overrides,
        client_token: start.client_token,
        start: now,
        updated: now,
        actions: Vec::new(),
        revisions: Vec::new(),
        stop_reason: None,
        cancelled: false,
        rollback_of: None,
        inherited: Vec::new(),
    };
    part.executions.put(&execution.key(), &execution)?;
    cloud.start::<Pipelines>(&start.pipeline);
    Ok(id)
}

/// The pipeline's variables: given, else their defaults.
fn resolve(row: &PipelineRow, given: &[Variable]) -> Result<Vec<ResolvedVariable>, ServiceError> {
    let declared = &row.declaration.variables;
    let invalid = |message: String| ServiceError::new("ValidationException", message);
    if let Some(unknown) = given.iter().find(|given| !declared.iter().any(|known| known.name == given.name)) {
        return Err(invalid(format!("Variable '{}' is not declared by the pipeline", unknown.name)));
    }
    let value = |name: &str, default: &Option<String>| {
        let given = given.iter().find(|given| given.name == name).map(|given| given.value.clone());
        given.or_else(|| default.clone())
    };
    let resolved = declared.iter().map(|known| match value(&known.name, &known.default_value) {
        Some(resolved_value) => Ok(ResolvedVariable { name: known.name.clone(), resolved_value }),
        None => Err(invalid(format!("Variable '{}' has neither a value nor a default", known.name))),
    });
    resolved.collect()
}

/// `StartPipelineExecution`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartPipelineExecution {
    pub name: String,
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// The same token answers the same execution.
    pub client_request_token: Option<String>,
    #[serde(default)]
    pub source_revisions: Vec<RevisionOverride>,
}

#[derive(Deserialize, Clone, Serialize)]
pub(crate) struct Variable {
    pub name: String,
    pub value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecutionIdOutput {
    pub pipeline_execution_id: String,
}

impl Operation for StartPipelineExecution {
    type Output = ExecutionIdOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "StartPipelineExecution";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<ExecutionIdOutput, ServiceError> {
        let input = Start {
            pipeline: self.name,
            trigger: "StartPipelineExecution",
            variables: self.variables,
            overrides: self.source_revisions,
            client_token: self.client_request_token,
        };
        Ok(ExecutionIdOutput { pipeline_execution_id: start(call, input)? })
    }
}

/// `StopPipelineExecution`: lets running actions end, or with `abandon` leaves them behind.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StopPipelineExecution {
    pub pipeline_name: String,
    pub pipeline_execution_id: String,
    #[serde(default)]
    pub abandon: bool,
    pub reason: Option<String>,
}

impl Operation for StopPipelineExecution {
    type Output = ExecutionIdOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "StopPipelineExecution";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.pipeline_name)
    }

    async fn handle(self, call: &Call) -> Result<ExecutionIdOutput, ServiceError> {
        find_pipeline(&call.cloud, &self.pipeline_name)?;
        let now = call.cloud.clock().now();
        let key = execution_key(&self.pipeline_name, &self.pipeline_execution_id);
        let stopped = call.cloud.part::<CodePipeline>().executions.try_update(&key, |row| {
            if !row.status.is_running() {
                let message = "Pipeline execution is already stopped or has ended";
                return Err(ServiceError::new("PipelineExecutionNotStoppableException", message));
            }
            if row.status == Status::Stopping && !self.abandon {
                let message = "Pipeline execution is already in a Stopping state";
                return Err(ServiceError::new("DuplicatedStopRequestException", message));
            }
            row.status = Status::Stopping;
            row.stop_reason = self.reason;
            row.updated = now;
            if self.abandon {
                for run in row.actions.iter_mut().filter(|run| run.status == ActionStatus::InProgress) {
                    run.status = ActionStatus::Abandoned;
                    run.updated = now;
                }
            }
            Ok(())
        })?;
        stopped.ok_or_else(|| no_execution(&self.pipeline_execution_id))?;
        call.cloud.start::<Pipelines>(&self.pipeline_name);
        Ok(ExecutionIdOutput { pipeline_execution_id: self.pipeline_execution_id })
    }
}

fn no_execution(id: &str) -> ServiceError {
    ServiceError::new("PipelineExecutionNotFoundException", format!("Pipeline execution {id} was not found"))
}

/// `RetryStageExecution` of a failed stage.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetryStageExecution {
    pub pipeline_name: String,
    pub stage_name: String,
    pub pipeline_execution_id: String,
    /// `FAILED_ACTIONS` or `ALL_ACTIONS`.
    pub retry_mode: String,
}

impl Operation for RetryStageExecution {
    type Output = ExecutionIdOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "RetryStageExecution";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &format!("{}/{}", self.pipeline_name, self.stage_name))
    }

    async fn handle(self, call: &Call) -> Result<ExecutionIdOutput, ServiceError> {
        let pipeline = find_pipeline(&call.cloud, &self.pipeline_name)?;
        if pipeline.declaration.stage(&self.stage_name).is_none() {
            return Err(no_stage(&self.pipeline_name, &self.stage_name));
        }
        let part = call.cloud.part::<CodePipeline>();
        let executions = part.executions_of(&self.pipeline_name);
        let latest = super::state::latest_in(&executions, &self.stage_name);
        if latest.is_some_and(|row| row.id != self.pipeline_execution_id) {
            let message = format!("{} is not the latest execution of the stage", self.pipeline_execution_id);
            return Err(ServiceError::new("NotLatestPipelineExecutionException", message));
        }
        let now = call.cloud.clock().now();
        let key = execution_key(&self.pipeline_name, &self.pipeline_execution_id);
        let retried = part.executions.try_update(&key, |row| {
            let failed = |stage: &&mut StageRun| {
                stage.name == self.stage_name
                    && matches!(stage.status, Some(Status::Failed | Status::Stopped))
            };
            let Some(stage) = row.stages.iter_mut().find(failed) else {
                let message = format!("Stage {} is not in a failed state", self.stage_name);
                return Err(ServiceError::new("StageNotRetryableException", message));
            };
            (stage.status, stage.entered) = (Some(Status::InProgress), Some(now));
            let again = |run: &crate::services::codepipeline::store::ActionRun| {
                run.stage == self.stage_name
                    && (self.retry_mode == "ALL_ACTIONS" || run.status != ActionStatus::Succeeded)
            };
            for run in row.actions.iter_mut().filter(|run| again(run)) {
                run.current = false;
            }
            (row.status, row.summary, row.updated) = (Status::InProgress, None, now);
            Ok(())
        })?;
        retried.ok_or_else(|| no_execution(&self.pipeline_execution_id))?;
        call.cloud.start::<Pipelines>(&self.pipeline_name);
        Ok(ExecutionIdOutput { pipeline_execution_id: self.pipeline_execution_id })
    }
}

/// `GetPipelineExecution`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetPipelineExecution {
    pub pipeline_name: String,
    pub pipeline_execution_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetPipelineExecutionOutput {
    pub pipeline_execution: Value,
}

impl Operation for GetPipelineExecution {
    type Output = GetPipelineExecutionOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "GetPipelineExecution";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.pipeline_name)
    }

    async fn handle(self, call: &Call) -> Result<GetPipelineExecutionOutput, ServiceError> {
        find_pipeline(&call.cloud, &self.pipeline_name)?;
        let key = execution_key(&self.pipeline_name, &self.pipeline_execution_id);
        let row = call.cloud.part::<CodePipeline>().executions.get(&key);
        let row = row.ok_or_else(|| no_execution(&self.pipeline_execution_id))?;
        let revisions = row.revisions.iter().map(|revision| {
            json!({
                "name": revision.artifact,
                "revisionId": revision.id,
                "revisionSummary": revision.summary,
                "revisionUrl": revision.url,
                "created": revision.created,
            })
        });
        let mut execution = json!({
            "pipelineName": row.pipeline,
            "pipelineVersion": row.declaration.version,
            "pipelineExecutionId": row.id,
            "status": row.status,
            "artifactRevisions": revisions.collect::<Vec<_>>(),
            "variables": row.variables,
            "trigger": row.trigger,
            "executionMode": row.declaration.execution_mode,
            "executionType": row.kind().0,
        });
        if let (_, Some(metadata)) = row.kind() {
            execution["rollbackMetadata"] = metadata;
        }
        if let Some(summary) = row.summary {
            execution["statusSummary"] = json!(summary);
        }
        Ok(GetPipelineExecutionOutput { pipeline_execution: execution })
    }
}
