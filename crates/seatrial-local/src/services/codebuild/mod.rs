//! CodeBuild: projects are records, builds really run: the buildspec's commands in a shell on this machine.

mod buildspec;
mod collect;
mod engine;
mod operations;
mod store;

pub(crate) use operations::{
    BatchGetBuilds, BatchGetProjects, CreateProject, DeleteProject, ListBuildsForProject, ListProjects,
    StartBuild, StopBuild, UpdateProject,
};
pub(crate) use store::{Build, PipelineArtifact, PipelineJob, Variable};

use std::collections::BTreeSet;

use crate::cloud::Cloud;
use crate::operation::Operations;

/// The log groups of all projects' builds.
pub(crate) fn log_groups(cloud: &Cloud) -> BTreeSet<String> {
    let builds = cloud.part::<store::CodeBuild>().builds.values().into_iter();
    builds.filter_map(|record| record.build.logs.group_name).collect()
}

pub(crate) fn register(operations: &mut Operations) {
    operations.add_collect(collect::collect);
    operations.add::<BatchGetBuilds>();
    operations.add::<BatchGetProjects>();
    operations.add::<CreateProject>();
    operations.add::<DeleteProject>();
    operations.add::<ListBuildsForProject>();
    operations.add::<ListProjects>();
    operations.add::<StartBuild>();
    operations.add::<StopBuild>();
    operations.add::<UpdateProject>();
}

/// Builds whose host died end as FAULT; those that were not begun begin.
pub(crate) async fn resume(cloud: &Cloud) {
    cloud.resume::<engine::Builds>();
}

/// Ends the processes of the builds that run.
pub(crate) async fn stop(cloud: &Cloud) {
    engine::end_processes(cloud);
}

#[cfg(test)]
mod tests;
