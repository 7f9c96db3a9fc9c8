//! CodeDeploy for ECS: applications, deployment groups, and deployments that replace task sets and move traffic.

mod appspec;
mod collect;
mod deployment;
mod engine;
mod operations;
pub(crate) mod page;
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
use crate::operation::Operations;

pub(crate) use shapes::{Canary, Linear, Revision, Routing};

/// The ARN of the configuration that a deployment group, by ARN, deploys by.
pub(crate) fn config_of_group(cloud: &Cloud, group_arn: &str) -> Option<String> {
    let key = group_arn.rsplit_once(":deploymentgroup:")?.1;
    let group = cloud.part::<store::CodeDeploy>().groups.get(key)?.group;
    Some(cloud.arn("codedeploy", &format!("deploymentconfig:{}", group.deployment_config_name)))
}

/// The ARN of the group whose deployment `id` is, or `*` where there is none.
pub(crate) fn group_of_deployment(cloud: &Cloud, id: &str) -> String {
    store::arn_of_deployment(cloud, id)
}

/// Deployments go on where they were.
pub(crate) async fn resume(cloud: &Cloud) {
    cloud.resume::<engine::Deployments>();
}

pub(crate) fn register(operations: &mut Operations) {
    operations.add_collect(collect::collect);
    operations::register(operations);
}

#[cfg(test)]
mod tests;
