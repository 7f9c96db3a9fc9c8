//! Elastic Container Service: clusters, task definitions, services under the CODE_DEPLOY and ECS controllers,
//! task sets, and tasks that run as processes.

mod definition;
mod engine;
mod operations;
mod overrides;
mod shapes;
mod store;
mod task;

pub(crate) use operations::{
    CreateCluster, CreateService, CreateTaskSet, DeleteCluster, DeleteService, DeleteTaskSet,
    DeregisterTaskDefinition, DescribeClusters, DescribeServices, PLATFORM_VERSION, RegisterTaskDefinition,
    TagResource, UpdateCluster, UpdateService, UpdateServicePrimaryTaskSet,
};
pub(crate) use shapes::{
    AwsVpcConfiguration, DeploymentController, LoadBalancer, NetworkConfiguration, Service, Setting, TaskSet,
};

#[cfg(test)]
pub(crate) use operations::{DescribeServicesOutput, TaskSetOutput};
#[cfg(test)]
pub(crate) use shapes::ServiceEvent;

pub(crate) use engine::{resume, stop};
pub(crate) use operations::register;

#[cfg(test)]
pub(crate) mod tests;
