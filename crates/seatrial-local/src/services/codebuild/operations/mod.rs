//! The operations of CodeBuild.

mod builds;
mod projects;

pub(crate) use builds::{BatchGetBuilds, ListBuildsForProject, StartBuild, StopBuild};
pub(crate) use projects::{BatchGetProjects, CreateProject, DeleteProject, ListProjects, UpdateProject};
