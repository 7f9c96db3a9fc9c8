//! Pipelines: make, change, delete, describe, list.

use serde::{Deserialize, Serialize};

use super::executions::{Start, start};
use super::{Nothing, find_pipeline, no_pipeline, pipeline_arn};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codepipeline::declaration::Declaration;
use crate::services::codepipeline::engine::Pipelines;
use crate::services::codepipeline::store::{CodePipeline, PipelineRow, Tag};

/// `CreatePipeline`: the pipeline runs once at once, whatever its triggers say.
#[derive(Deserialize, Serialize)]
pub(crate) struct CreatePipeline {
    pub pipeline: Declaration,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
pub(crate) struct CreatePipelineOutput {
    pub pipeline: Declaration,
    pub tags: Vec<Tag>,
}

impl Operation for CreatePipeline {
    type Output = CreatePipelineOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "CreatePipeline";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.pipeline.name)
    }

    async fn handle(self, call: &Call) -> Result<CreatePipelineOutput, ServiceError> {
        self.pipeline.check(call.cloud.region())?;
        let now = call.cloud.clock().now();
        let row = PipelineRow {
            declaration: Declaration { version: 1, ..self.pipeline },
            created: now,
            updated: now,
            tags: self.tags,
            transitions: Default::default(),
            started: 0,
        };
        let name = row.declaration.name.clone();
        if !call.cloud.part::<CodePipeline>().pipelines.insert_new(&name, &row)? {
            let message = format!(
                "A pipeline with the name '{name}' already exists in account '{}'",
                call.cloud.account()
            );
            return Err(ServiceError::new("PipelineNameInUseException", message));
        }
        start(call, Start::triggered(&name, "CreatePipeline"))?;
        Ok(CreatePipelineOutput { pipeline: row.declaration, tags: row.tags })
    }
}

/// `UpdatePipeline`: in mode QUEUED it cancels the executions under way after the actions that run, and those that wait
/// (CodePipeline user guide, set or change the pipeline execution mode; aws-cdk#23835). In the other modes they go on
/// with the structure they started with.
#[derive(Deserialize, Serialize)]
pub(crate) struct UpdatePipeline {
    pub pipeline: Declaration,
}

#[derive(Serialize)]
pub(crate) struct PipelineOutput {
    pub pipeline: Declaration,
}

impl Operation for UpdatePipeline {
    type Output = PipelineOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "UpdatePipeline";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.pipeline.name)
    }

    async fn handle(self, call: &Call) -> Result<PipelineOutput, ServiceError> {
        self.pipeline.check(call.cloud.region())?;
        let (name, now) = (self.pipeline.name.clone(), call.cloud.clock().now());
        let part = call.cloud.part::<CodePipeline>();
        let mut queued = self.pipeline.execution_mode == "QUEUED";
        let updated = part.pipelines.update(&name, |row| {
            queued |= row.declaration.execution_mode == "QUEUED";
            let version = row.declaration.version + 1;
            row.declaration = Declaration { version, ..self.pipeline };
            row.updated = now;
            row.declaration.clone()
        })?;
        let pipeline = updated.ok_or_else(|| no_pipeline(&call.cloud, &name))?;
        if queued {
            for execution in part.executions_of(&name).iter().filter(|row| row.status.is_running()) {
                part.executions.update(&execution.key(), |row| row.cancelled = true)?;
            }
            call.cloud.start::<Pipelines>(&name);
        }
        Ok(PipelineOutput { pipeline })
    }
}

/// `DeletePipeline`, with the history of its executions; one that is gone counts as deleted.
#[derive(Deserialize, Serialize)]
pub(crate) struct DeletePipeline {
    pub name: String,
}

impl Operation for DeletePipeline {
    type Output = Nothing;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "DeletePipeline";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let part = call.cloud.part::<CodePipeline>();
        part.pipelines.remove(&self.name)?;
        for row in part.executions_of(&self.name) {
            part.executions.remove(&row.key())?;
        }
        Ok(Nothing {})
    }
}

/// `GetPipeline`: the current version only.
#[derive(Deserialize, Serialize)]
pub(crate) struct GetPipeline {
    pub name: String,
    pub version: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct GetPipelineOutput {
    pub pipeline: Declaration,
    pub metadata: Metadata,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub pipeline_arn: String,
    pub created: Epoch,
    pub updated: Epoch,
}

impl Operation for GetPipeline {
    type Output = GetPipelineOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "GetPipeline";

    fn resource(&self, cloud: &Cloud) -> String {
        pipeline_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<GetPipelineOutput, ServiceError> {
        let row = find_pipeline(&call.cloud, &self.name)?;
        if self.version.is_some_and(|version| version != row.declaration.version) {
            let message = format!("Version of pipeline '{}' does not exist or is not kept", self.name);
            return Err(ServiceError::new("PipelineVersionNotFoundException", message));
        }
        let pipeline_arn = pipeline_arn(&call.cloud, &self.name);
        let metadata = Metadata { pipeline_arn, created: row.created, updated: row.updated };
        Ok(GetPipelineOutput { pipeline: row.declaration, metadata })
    }
}

/// `ListPipelines`, by name.
#[derive(Deserialize, Serialize)]
pub(crate) struct ListPipelines {}

#[derive(Serialize)]
pub(crate) struct ListPipelinesOutput {
    pub pipelines: Vec<PipelineSummary>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PipelineSummary {
    pub name: String,
    pub version: u64,
    pub pipeline_type: String,
    pub execution_mode: String,
    pub created: Epoch,
    pub updated: Epoch,
}

impl Operation for ListPipelines {
    type Output = ListPipelinesOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "ListPipelines";

    async fn handle(self, call: &Call) -> Result<ListPipelinesOutput, ServiceError> {
        let summary = |row: PipelineRow| PipelineSummary {
            name: row.declaration.name,
            version: row.declaration.version,
            pipeline_type: row.declaration.pipeline_type,
            execution_mode: row.declaration.execution_mode,
            created: row.created,
            updated: row.updated,
        };
        let rows = call.cloud.part::<CodePipeline>().pipelines.values();
        Ok(ListPipelinesOutput { pipelines: rows.into_iter().map(summary).collect() })
    }
}
