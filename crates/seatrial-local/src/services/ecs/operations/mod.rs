//! The operations of ECS.

mod clusters;
mod fargate;
mod service_input;
mod services;
mod tags;
mod task_definitions;
mod task_sets;
mod tasks;
mod update_service;
mod validate_definition;

pub(crate) use clusters::{CreateCluster, DeleteCluster, DescribeClusters, ListClusters, UpdateCluster};
pub(crate) use service_input::PLATFORM_VERSION;
#[cfg(test)]
pub(crate) use services::DescribeServicesOutput;
pub(crate) use services::{CreateService, DeleteService, DescribeServices, ListServices};
pub(crate) use tags::{TagResource, tags_of};
pub(crate) use task_definitions::{
    DeleteTaskDefinitions, DeregisterTaskDefinition, DescribeTaskDefinition, ListTaskDefinitionFamilies,
    ListTaskDefinitions, RegisterTaskDefinition,
};
#[cfg(test)]
pub(crate) use task_sets::TaskSetOutput;
pub(crate) use task_sets::{
    CreateTaskSet, DeleteTaskSet, DescribeTaskSets, UpdateServicePrimaryTaskSet, UpdateTaskSet,
};
pub(crate) use tasks::{DescribeTasks, ListTasks, RunTask, StopTask};
pub(crate) use update_service::UpdateService;

use tags::{ListTagsForResource, UntagResource};

use super::store::EcsStore;
use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateCluster>();
    operations.add::<DescribeClusters>();
    operations.add::<ListClusters>();
    operations.add::<UpdateCluster>();
    operations.add::<DeleteCluster>();
    operations.add::<RegisterTaskDefinition>();
    operations.add::<DescribeTaskDefinition>();
    operations.add::<ListTaskDefinitions>();
    operations.add::<ListTaskDefinitionFamilies>();
    operations.add::<DeregisterTaskDefinition>();
    operations.add::<DeleteTaskDefinitions>();
    operations.add::<CreateService>();
    operations.add::<DescribeServices>();
    operations.add::<ListServices>();
    operations.add::<UpdateService>();
    operations.add::<DeleteService>();
    operations.add::<CreateTaskSet>();
    operations.add::<DescribeTaskSets>();
    operations.add::<UpdateTaskSet>();
    operations.add::<UpdateServicePrimaryTaskSet>();
    operations.add::<DeleteTaskSet>();
    operations.add::<ListTasks>();
    operations.add::<DescribeTasks>();
    operations.add::<StopTask>();
    operations.add::<RunTask>();
    operations.add::<ListTagsForResource>();
    operations.add::<TagResource>();
    operations.add::<UntagResource>();
    operations.add_groups_in_use(|cloud| {
        let mut rows = cloud.part::<EcsStore>().tasks.values();
        rows.retain(|row| row.task.last_status != "STOPPED");
        let networks = rows.into_iter().filter_map(|row| row.network);
        networks.flat_map(|network| network.awsvpc_configuration.security_groups).collect()
    });
}
