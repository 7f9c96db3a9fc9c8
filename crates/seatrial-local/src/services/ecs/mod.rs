//! Elastic Container Service: clusters, task definitions, services under the CODE_DEPLOY and ECS controllers,
//! task sets, and tasks that run as processes.

mod collect;
mod definition;
mod engine;
mod operations;
mod overrides;
pub(crate) mod page;
mod shapes;
mod store;
mod task;

pub(crate) use operations::{
    CreateCluster, CreateService, CreateTaskSet, DeleteCluster, DeleteService, DeleteTaskSet,
    DeregisterTaskDefinition, DescribeClusters, DescribeServices, PLATFORM_VERSION, RegisterTaskDefinition,
    TagResource, UpdateCluster, UpdateService, UpdateServicePrimaryTaskSet, tags_of,
};
pub(crate) use shapes::{
    AwsVpcConfiguration, DeploymentController, LoadBalancer, NetworkConfiguration, Service, Setting, TaskSet,
};

#[cfg(test)]
pub(crate) use operations::{DescribeServicesOutput, TaskSetOutput};
#[cfg(test)]
pub(crate) use shapes::ServiceEvent;

use crate::cloud::Cloud;
use crate::operation::Operations;

pub(crate) use engine::{resume, stop};

/// The ARN of a task definition by ARN, `FAMILY:REVISION` or `FAMILY`.
pub(crate) fn definition_arn(cloud: &Cloud, name: &str) -> Option<String> {
    Some(cloud.part::<store::EcsStore>().definition(name)?.definition.task_definition_arn)
}

/// The roles of that task definition, each with the member that names it.
pub(crate) fn definition_roles(cloud: &Cloud, name: &str) -> Vec<(&'static str, String)> {
    let Some(row) = cloud.part::<store::EcsStore>().definition(name) else { return Vec::new() };
    let content = row.definition.content;
    let roles = [("taskRoleArn", content.task_role_arn), ("executionRoleArn", content.execution_role_arn)];
    roles.into_iter().filter_map(|(member, role)| Some((member, role?))).collect()
}

pub(crate) fn register(operations: &mut Operations) {
    operations.add_collect(collect::collect);
    operations::register(operations);
}

#[cfg(test)]
pub(crate) mod tests;
