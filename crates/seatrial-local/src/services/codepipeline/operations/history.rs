//! What ran: executions, and the actions in them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{find_pipeline, page, pipeline_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codepipeline::store::{ActionRun, Artifact, CodePipeline, ExecutionRow};

/// `ListPipelineExecutions`, newest first.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListPipelineExecutions {
    pub pipeline_name: String,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListPipelineExecutionsOutput {
    pub pipeline_execution_summaries: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

impl Operation for ListPipelineExecutions {
    type Output = ListPipelineExecutionsOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "ListPipelineExecutions";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.pipeline_name)
    }

    async fn handle(self, call: &Call) -> Result<ListPipelineExecutionsOutput, ServiceError> {
        find_pipeline(&call.cloud, &self.pipeline_name)?;
        let rows = call.cloud.part::<CodePipeline>().executions_of(&self.pipeline_name);
        let summaries = rows.iter().rev().map(summary).collect();
        let (pipeline_execution_summaries, next_token) =
            page(summaries, self.max_results, self.next_token.as_deref())?;
        Ok(ListPipelineExecutionsOutput { pipeline_execution_summaries, next_token })
    }
}

fn summary(row: &ExecutionRow) -> Value {
    let revisions = row.revisions.iter().map(|revision| {
        json!({
            "actionName": revision.action,
            "revisionId": revision.id,
            "revisionSummary": revision.summary,
            "revisionUrl": revision.url,
        })
    });
    let mut summary = json!({
        "pipelineExecutionId": row.id,
        "status": row.status,
        "startTime": row.start,
        "lastUpdateTime": row.updated,
        "sourceRevisions": revisions.collect::<Vec<_>>(),
        "trigger": row.trigger,
        "executionMode": row.declaration.execution_mode,
        "executionType": row.kind().0,
    });
    if let (_, Some(metadata)) = row.kind() {
        summary["rollbackMetadata"] = metadata;
    }
    if let Some(text) = &row.summary {
        summary["statusSummary"] = json!(text);
    }
    if let Some(reason) = &row.stop_reason {
        summary["stopTrigger"] = json!({ "reason": reason });
    }
    summary
}

/// `ListActionExecutions`, newest first.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListActionExecutions {
    pub pipeline_name: String,
    #[serde(default)]
    pub filter: Filter,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    pub pipeline_execution_id: Option<String>,
    pub latest_in_pipeline_execution: Option<Latest>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Latest {
    pub pipeline_execution_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListActionExecutionsOutput {
    pub action_execution_details: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

impl Operation for ListActionExecutions {
    type Output = ListActionExecutionsOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "ListActionExecutions";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.pipeline_name)
    }

    async fn handle(self, call: &Call) -> Result<ListActionExecutionsOutput, ServiceError> {
        find_pipeline(&call.cloud, &self.pipeline_name)?;
        let latest_only = self.filter.latest_in_pipeline_execution.is_some();
        let wanted = self.filter.pipeline_execution_id;
        let latest = self.filter.latest_in_pipeline_execution.map(|latest| latest.pipeline_execution_id);
        let wanted = wanted.or(latest);
        let rows = call.cloud.part::<CodePipeline>().executions_of(&self.pipeline_name);
        let rows = rows.iter().rev().filter(|row| wanted.as_ref().is_none_or(|id| *id == row.id));
        let details = rows.flat_map(|row| {
            let runs = row.actions.iter().rev().filter(|run| run.current || !latest_only);
            runs.map(|run| detail(call, row, run))
        });
        let (action_execution_details, next_token) =
            page(details.collect(), self.max_results, self.next_token.as_deref())?;
        Ok(ListActionExecutionsOutput { action_execution_details, next_token })
    }
}

fn detail(call: &Call, row: &ExecutionRow, run: &ActionRun) -> Value {
    let mut input = json!({
        "actionTypeId": run.action_type,
        "configuration": run.configuration,
        "resolvedConfiguration": run.resolved,
        "roleArn": run.role,
        "region": call.cloud.region(),
        "inputArtifacts": artifacts(&run.inputs),
    });
    if let Some(namespace) = &run.namespace {
        input["namespace"] = json!(namespace);
    }
    json!({
        "pipelineExecutionId": row.id,
        "actionExecutionId": run.id,
        "pipelineVersion": row.declaration.version,
        "stageName": run.stage,
        "actionName": run.name,
        "startTime": run.start,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "input": input,
        "output": {
            "outputArtifacts": artifacts(&run.outputs),
            "outputVariables": run.variables,
            "executionResult": result(run),
        },
    })
}

fn artifacts(artifacts: &[Artifact]) -> Vec<Value> {
    let location = |artifact: &Artifact| json!({ "name": artifact.name, "s3location": { "bucket": artifact.bucket, "key": artifact.key } });
    artifacts.iter().map(location).collect()
}

fn result(run: &ActionRun) -> Value {
    let mut result = json!({});
    let texts = [
        ("externalExecutionId", &run.external_id),
        ("externalExecutionUrl", &run.external_url),
        ("externalExecutionSummary", &run.summary),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            result[name] = json!(text);
        }
    }
    if let Some(error) = &run.error {
        result["errorDetails"] = json!(error);
    }
    result
}
