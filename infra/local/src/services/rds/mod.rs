//! Relational Database Service: each instance is a real Postgres server on 127.0.0.1.

mod engine;
mod operations;
mod shapes;
mod store;

pub(crate) use operations::{
    AddTagsToResource, CreateDbInstance, CreateDbParameterGroup, CreateDbSubnetGroup, DeleteDbInstance,
    DeleteDbParameterGroup, DeleteDbSubnetGroup, DescribeDbInstances, ModifyDbInstance,
    ModifyDbParameterGroup, ModifyDbSubnetGroup, register,
};
pub(crate) use shapes::{DbInstance, Parameter, Tag};

use futures_util::future::join_all;

use crate::cloud::Cloud;

/// Starts the servers again.
pub(crate) async fn resume(cloud: &Cloud) {
    cloud.resume::<engine::InstanceEngine>();
}

/// Ends the servers; they are started again at the next start.
pub(crate) async fn stop(cloud: &Cloud) {
    let servers = cloud.part::<store::RdsStore>().servers();
    join_all(servers.iter().map(crate::runtime::postgres::Server::stop)).await;
}
