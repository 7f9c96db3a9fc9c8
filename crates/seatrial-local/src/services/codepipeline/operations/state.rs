//! GetPipelineState: each stage as it is now, whichever execution it shows.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{find_pipeline, pipeline_arn};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codepipeline::declaration::{Action, Provider, Stage};
use crate::services::codepipeline::store::{ActionRun, CodePipeline, ExecutionRow, PipelineRow, Status};

/// `GetPipelineState`.
#[derive(Deserialize, Serialize)]
pub(crate) struct GetPipelineState {
    pub name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetPipelineStateOutput {
    pub pipeline_name: String,
    pub pipeline_version: u64,
    pub stage_states: Vec<Value>,
    pub created: Epoch,
    pub updated: Epoch,
}

impl Operation for GetPipelineState {
    type Output = GetPipelineStateOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "GetPipelineState";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<GetPipelineStateOutput, ServiceError> {
        let row = find_pipeline(&call.cloud, &self.name)?;
        let executions = call.cloud.part::<CodePipeline>().executions_of(&self.name);
        let stages = row.declaration.stages.iter().enumerate();
        let stage_states = stages.map(|(index, stage)| state(&row, &executions, (index, stage))).collect();
        Ok(GetPipelineStateOutput {
            pipeline_name: self.name,
            pipeline_version: row.declaration.version,
            stage_states,
            created: row.created,
            updated: row.updated,
        })
    }
}

/// The execution that entered the stage last.
pub(super) fn latest_in<'a>(executions: &'a [ExecutionRow], stage: &str) -> Option<&'a ExecutionRow> {
    let entered = |row: &ExecutionRow| row.stages.iter().find(|run| run.name == stage)?.entered;
    let of_stage = executions.iter().filter_map(|row| Some((entered(row)?, row)));
    of_stage.max_by(|(left, _), (right, _)| left.0.total_cmp(&right.0)).map(|(_, row)| row)
}

/// The executions that wait before the stage, in their order.
fn inbound<'a>(
    executions: &'a [ExecutionRow],
    (index, stage): (usize, &Stage),
) -> impl Iterator<Item = &'a ExecutionRow> {
    let name = stage.name.clone();
    executions.iter().filter(move |row| {
        let waits = row.position() == Some(index)
            && row.stages.get(index).is_some_and(|run| run.name == name && run.status.is_none());
        row.status.is_running() && waits
    })
}

fn state(row: &PipelineRow, executions: &[ExecutionRow], (index, stage): (usize, &Stage)) -> Value {
    let latest = latest_in(executions, &stage.name);
    let actions = stage.actions.iter().map(|action| {
        let run = executions.iter().flat_map(|row| &row.actions);
        let run = run.filter(|run| run.stage == stage.name && run.name == action.name);
        let run = run.max_by(|left, right| left.start.0.total_cmp(&right.start.0));
        action_state(action, run, latest)
    });
    let mut state = json!({ "stageName": stage.name, "actionStates": actions.collect::<Vec<_>>() });
    if index > 0 {
        state["inboundTransitionState"] = transition(row, &stage.name);
    }
    let waiting: Vec<_> = inbound(executions, (index, stage))
        .map(|row| json!({ "pipelineExecutionId": row.id, "status": row.status }))
        .collect();
    if let Some(last) = waiting.last() {
        state["inboundExecution"] = last.clone();
        state["inboundExecutions"] = json!(waiting);
    }
    let status = |row: &ExecutionRow| row.stages.iter().find(|run| run.name == stage.name)?.status;
    if let Some((row, status)) = latest.and_then(|row| Some((row, status(row)?))) {
        state["latestExecution"] = json!({ "pipelineExecutionId": row.id, "status": stage_status(row, status), "type": row.kind().0 });
    }
    state
}

/// A stage knows no `Superseded`, and stops with its execution.
fn stage_status(row: &ExecutionRow, status: Status) -> Value {
    match status {
        Status::InProgress if row.status == Status::Stopping => json!("Stopping"),
        Status::Superseded => json!("Cancelled"),
        status => json!(status),
    }
}

fn transition(row: &PipelineRow, stage: &str) -> Value {
    let Some(transition) = row.transitions.get(stage) else { return json!({ "enabled": true }) };
    let mut state = json!({
        "enabled": transition.enabled,
        "lastChangedBy": transition.by,
        "lastChangedAt": transition.at,
    });
    if let Some(reason) = transition.reason.as_ref().filter(|_| !transition.enabled) {
        state["disabledReason"] = json!(reason);
    }
    state
}

fn action_state(action: &Action, run: Option<&ActionRun>, latest: Option<&ExecutionRow>) -> Value {
    let mut state = json!({ "actionName": action.name });
    let Some(run) = run else { return state };
    let mut execution = json!({
        "actionExecutionId": run.id,
        "status": run.status,
        "lastStatusChange": run.updated,
    });
    let texts = [
        ("externalExecutionId", &run.external_id),
        ("externalExecutionUrl", &run.external_url),
        ("summary", &run.summary),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            execution[name] = json!(text);
        }
    }
    if let Some(error) = &run.error {
        execution["errorDetails"] = json!(error);
    }
    state["latestExecution"] = execution;
    let revision =
        latest.and_then(|row| row.revisions.iter().find(|revision| revision.action == action.name));
    if let Some(revision) = revision
        && action.action_type_id.provider() == Some(Provider::Source)
    {
        state["currentRevision"] = json!({ "revisionId": revision.id });
        state["revisionUrl"] = json!(revision.url);
    }
    state
}
