//! The operations of CodeDeploy.

mod applications;
mod configs;
mod control;
mod deployments;
mod groups;
mod revisions;
mod targets;

pub(crate) use applications::{CreateApplication, DeleteApplication};
pub(crate) use configs::{CreateDeploymentConfig, DeleteDeploymentConfig};
pub(super) use deployments::new_row;
pub(crate) use deployments::{CreateDeployment, GetDeployment};
#[cfg(test)]
pub(crate) use deployments::{CreateDeploymentOutput, GetDeploymentOutput};
pub(crate) use groups::{CreateDeploymentGroup, DeleteDeploymentGroup, UpdateDeploymentGroup};
pub(crate) use revisions::RegisterApplicationRevision;

use serde::Serialize;

use crate::operation::Operations;

/// An answer without members.
#[derive(Debug, Serialize)]
pub(crate) struct Empty {}

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateApplication>();
    operations.add::<applications::GetApplication>();
    operations.add::<applications::ListApplications>();
    operations.add::<DeleteApplication>();
    operations.add::<CreateDeploymentGroup>();
    operations.add::<groups::GetDeploymentGroup>();
    operations.add::<UpdateDeploymentGroup>();
    operations.add::<DeleteDeploymentGroup>();
    operations.add::<groups::ListDeploymentGroups>();
    operations.add::<CreateDeploymentConfig>();
    operations.add::<configs::GetDeploymentConfig>();
    operations.add::<configs::ListDeploymentConfigs>();
    operations.add::<DeleteDeploymentConfig>();
    operations.add::<RegisterApplicationRevision>();
    operations.add::<revisions::GetApplicationRevision>();
    operations.add::<CreateDeployment>();
    operations.add::<GetDeployment>();
    operations.add::<deployments::BatchGetDeployments>();
    operations.add::<deployments::ListDeployments>();
    operations.add::<control::StopDeployment>();
    operations.add::<control::ContinueDeployment>();
    operations.add::<targets::ListDeploymentTargets>();
    operations.add::<targets::GetDeploymentTarget>();
    operations.add::<targets::BatchGetDeploymentTargets>();
}
