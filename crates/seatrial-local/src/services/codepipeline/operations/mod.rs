//! The operations of CodePipeline.

mod executions;
mod history;
mod pipelines;
mod rollback;
mod state;
mod tags;
mod transitions;

pub(crate) use executions::{
    GetPipelineExecution, RetryStageExecution, StartPipelineExecution, StopPipelineExecution,
};
pub(crate) use history::{ListActionExecutions, ListPipelineExecutions};
pub(crate) use pipelines::{CreatePipeline, DeletePipeline, GetPipeline, ListPipelines, UpdatePipeline};
pub(crate) use rollback::RollbackStage;
pub(crate) use state::GetPipelineState;
pub(crate) use tags::{ListTagsForResource, TagResource, UntagResource};
pub(crate) use transitions::{DisableStageTransition, EnableStageTransition};

use serde::Serialize;

use super::store::{CodePipeline, PipelineRow};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// The answer of operations that have none.
#[derive(Serialize)]
pub(crate) struct Nothing {}

fn pipeline_arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("codepipeline", name)
}

fn find_pipeline(cloud: &Cloud, name: &str) -> Result<PipelineRow, ServiceError> {
    cloud.part::<CodePipeline>().pipelines.get(name).ok_or_else(|| no_pipeline(cloud, name))
}

fn no_pipeline(cloud: &Cloud, name: &str) -> ServiceError {
    let message = format!("Account '{}' does not have a pipeline with name '{name}'", cloud.account());
    ServiceError::new("PipelineNotFoundException", message)
}

fn no_stage(pipeline: &str, stage: &str) -> ServiceError {
    let message = format!("The pipeline '{pipeline}' does not have a stage with name '{stage}'");
    ServiceError::new("StageNotFoundException", message)
}

/// One page of `items` and the token of the next.
fn page<T>(
    items: Vec<T>,
    max: Option<usize>,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    crate::page::page(items, token, max.unwrap_or(100).clamp(1, 100)).map_err(|_| {
        ServiceError::new("InvalidNextTokenException", "The next token was specified in an invalid format")
    })
}
