//! The table of CodeDeploy's operations.

use super::{
    CreateApplication, CreateDeployment, CreateDeploymentConfig, CreateDeploymentGroup, DeleteApplication,
    DeleteDeploymentConfig, DeleteDeploymentGroup, GetDeployment, RegisterApplicationRevision,
    UpdateDeploymentGroup, applications, configs, control, deployments, groups, revisions, targets,
};
use crate::operation::Operations;

/// Serves them all.
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
