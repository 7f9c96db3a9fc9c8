//! CodePipeline, type V2: executions run through their stages, really building and deploying.
//!
//! A push starts nothing here: the release does, with StartPipelineExecution.

mod collect;
mod declaration;
mod engine;
mod operations;
pub(crate) mod page;
mod store;
mod structure;

pub(crate) use declaration::Declaration;
pub(crate) use operations::{
    CreatePipeline, DeletePipeline, DisableStageTransition, EnableStageTransition, GetPipeline,
    StartPipelineExecution, TagResource, UpdatePipeline,
};

use crate::cloud::Cloud;
use crate::operation::Operations;

pub(crate) fn register(served: &mut Operations) {
    served.add_collect(collect::collect);
    served.add::<CreatePipeline>();
    served.add::<DeletePipeline>();
    served.add::<DisableStageTransition>();
    served.add::<EnableStageTransition>();
    served.add::<StartPipelineExecution>();
    served.add::<UpdatePipeline>();
    served.add::<operations::GetPipeline>();
    served.add::<operations::GetPipelineExecution>();
    served.add::<operations::GetPipelineState>();
    served.add::<operations::ListActionExecutions>();
    served.add::<operations::ListPipelineExecutions>();
    served.add::<operations::ListPipelines>();
    served.add::<operations::ListTagsForResource>();
    served.add::<operations::RetryStageExecution>();
    served.add::<operations::RollbackStage>();
    served.add::<operations::StopPipelineExecution>();
    served.add::<TagResource>();
    served.add::<operations::UntagResource>();
}

/// Executions that were under way go on: builds and deployments are followed by their ids.
pub(crate) async fn resume(cloud: &Cloud) {
    cloud.resume::<engine::Pipelines>();
}

#[cfg(test)]
mod tests;
