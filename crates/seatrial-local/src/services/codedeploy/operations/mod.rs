//! The operations of CodeDeploy.

mod applications;
mod configs;
mod control;
mod deployments;
mod groups;
mod register;
mod revisions;
mod targets;

pub(crate) use applications::{CreateApplication, DeleteApplication, GetApplication};
pub(crate) use configs::{CreateDeploymentConfig, DeleteDeploymentConfig, GetDeploymentConfig};
pub(crate) use deployments::{CreateDeployment, GetDeployment};
#[cfg(test)]
pub(crate) use deployments::{CreateDeploymentOutput, GetDeploymentOutput};
pub(crate) use groups::{
    CreateDeploymentGroup, DeleteDeploymentGroup, GetDeploymentGroup, UpdateDeploymentGroup,
};
pub(crate) use register::register;
pub(crate) use revisions::RegisterApplicationRevision;

use serde::Serialize;

/// An answer without members.
#[derive(Debug, Serialize)]
pub(crate) struct Empty {}
