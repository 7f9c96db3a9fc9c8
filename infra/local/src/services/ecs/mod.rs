//! Elastic Container Service: clusters, task definitions, services under the CODE_DEPLOY and ECS controllers,
//! task sets, and tasks that run as processes.

mod definition;
mod engine;
mod operations;
mod shapes;
mod store;
mod task;
#[cfg(test)]
mod tests;

pub(crate) use definition::{Content, Tag, TaskDefinition};
pub(crate) use operations::{
    CreateCluster, CreateService, CreateTaskSet, DeleteCluster, DeleteService, DeleteTaskSet,
    DescribeServices, DescribeTaskDefinition, DescribeTaskSets, DescribeTasks, ListTasks,
    RegisterTaskDefinition, UpdateCluster, UpdateService, UpdateServicePrimaryTaskSet,
};
pub(crate) use shapes::{
    AwsVpcConfiguration, DeploymentController, LoadBalancer, NetworkConfiguration, Scale, Service, Setting,
    TaskSet,
};
pub(crate) use task::Task;

pub(crate) use engine::{resume, stop};
pub(crate) use operations::register;
