//! CodeDeploy for ECS: applications, deployment groups, and deployments that replace task sets and move traffic.

mod appspec;
mod deployment;
mod engine;
mod operations;
mod shapes;
mod store;

pub(crate) use operations::{
    CreateApplication, CreateDeployment, CreateDeploymentConfig, CreateDeploymentGroup, DeleteApplication,
    DeleteDeploymentConfig, DeleteDeploymentGroup, GetApplication, GetDeployment, GetDeploymentConfig,
    GetDeploymentGroup, RegisterApplicationRevision, UpdateDeploymentGroup,
};

#[cfg(test)]
pub(crate) use deployment::{ErrorInformation, Info};
#[cfg(test)]
pub(crate) use operations::{CreateDeploymentOutput, GetDeploymentOutput};

use crate::cloud::Cloud;

pub(crate) use operations::register;
pub(crate) use shapes::{Canary, Linear, Revision, Routing};

/// Deployments go on where they were.
pub(crate) async fn resume(cloud: &Cloud) {
    cloud.resume::<engine::Deployments>();
}

#[cfg(test)]
mod tests;
