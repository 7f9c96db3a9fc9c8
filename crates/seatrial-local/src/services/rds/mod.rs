//! Relational Database Service: each instance is a real Postgres server on 127.0.0.1.

mod engine;
mod operations;
mod password;
mod shapes;
mod store;

pub(crate) use operations::{
    AddTagsToResource, CreateDbInstance, CreateDbParameterGroup, CreateDbSubnetGroup, DeleteDbInstance,
    DeleteDbParameterGroup, DeleteDbSubnetGroup, DescribeDbInstances, DescribeDbParameterGroups,
    DescribeDbParameters, DescribeDbSubnetGroups, ListTagsForResource, ModifyDbInstance,
    ModifyDbParameterGroup, ModifyDbSubnetGroup, RemoveTagsFromResource, RestoreDbInstanceFromDbSnapshot,
    register, tags_of,
};
pub(crate) use password::FOLDER as PASSWORDS;
pub(crate) use shapes::{DbInstance, Parameter};

use std::time::Duration;

use futures_util::future::join_all;

use crate::cloud::Cloud;

/// How long tasks are kept waiting for a server that does not start.
const START: Duration = Duration::from_secs(10);

/// Starts the servers again, before what uses them.
pub(crate) async fn resume(cloud: &Cloud) {
    let store = cloud.part::<store::RdsStore>();
    let named = store.instances.values().into_iter().filter_map(|row| row.password);
    password::sweep(cloud.data_dir(), &named.collect());
    cloud.resume::<engine::InstanceEngine>();
    let all_run = || {
        let instances = store.instances.values();
        let available = instances.iter().filter(|row| row.instance.status == "available");
        available
            .map(|row| store.server(&row.instance.identifier))
            .all(|server| server.is_some())
            .then_some(())
    };
    if cloud.wait_until(START, all_run).await.is_none() {
        tracing::warn!("a database server has not started yet");
    }
}

/// Ends the servers; they are started again at the next start.
pub(crate) async fn stop(cloud: &Cloud) {
    let servers = cloud.part::<store::RdsStore>().servers();
    join_all(servers.iter().map(crate::runtime::postgres::Server::stop)).await;
}

#[cfg(test)]
mod tests;
