//! One database instance:
//!
//! ```text
//! creating    the cluster is made, or copied from a snapshot's, the server started
//! backing-up  as RDS does after it has made an instance
//! available   the server is started again whenever it ends
//! modifying   a new password is set
//! deleting    the server is stopped, its cluster removed or kept as the final snapshot
//! failed      the server could not be made
//! ```

use std::time::Duration;

use super::password;
use super::shapes::{DbSnapshot, Endpoint, StatusInfo};
use super::store::{InstanceRow, RdsStore, SnapshotRow};
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::error::ServiceError;
use crate::runtime::postgres::{
    Cluster, Owner, PostgresError, Server, find_place, find_postgres, free_port, remove_place,
    sweep_databases,
};
use crate::runtime::process::Processes;

/// How soon a server that does not start is tried again.
const RETRY: Duration = Duration::from_secs(2);

pub(super) struct InstanceEngine;

impl Engine for InstanceEngine {
    const NAME: &'static str = "rds-instance";
    const ENDS: bool = true;

    fn in_flight(cloud: &Cloud) -> Vec<String> {
        cloud.part::<RdsStore>().instances.entries().into_iter().map(|(key, _)| key).collect()
    }

    async fn step(cloud: &Cloud, key: &str) -> Next {
        let Some(row) = cloud.part::<RdsStore>().instances.get(key) else { return Next::Done };
        let stepped = match row.instance.status.as_str() {
            "creating" => create(cloud, key, &row).await,
            "backing-up" => enter(cloud, key, "available"),
            "modifying" => modify(cloud, key, &row).await,
            "available" => keep_running(cloud, key, &row).await,
            "deleting" => delete(cloud, key, &row).await,
            _ => return Next::Done,
        };
        stepped.unwrap_or_else(|error| {
            tracing::warn!(instance = key, %error, "a step of a database instance failed");
            Next::After(RETRY)
        })
    }

    fn fail(cloud: &Cloud, key: &str, _why: &str) -> Next {
        // A deletion is tried again.
        enter(cloud, key, "failed").map_or(Next::After(RETRY), |_| Next::After(RETRY))
    }
}

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<crate::persist::PersistError> for StepError {
    fn from(error: crate::persist::PersistError) -> Self {
        Self::Service(error.into())
    }
}

fn enter(cloud: &Cloud, key: &str, status: &str) -> Result<Next, StepError> {
    // A deletion that was asked for meanwhile wins.
    cloud.part::<RdsStore>().instances.update(key, |row| {
        if row.instance.status != "deleting" {
            row.instance.status = status.to_owned();
        }
    })?;
    Ok(Next::After(Duration::ZERO))
}

/// How the server of an instance is named among the processes.
fn process_key(key: &str) -> String {
    format!("postgres/{key}")
}

async fn create(cloud: &Cloud, key: &str, row: &InstanceRow) -> Result<Next, StepError> {
    let store = cloud.part::<RdsStore>();
    let made = make(cloud, key, row).await;
    let stepped = match made {
        Ok((place, port, server)) => {
            keep(cloud, key, server);
            store.instances.update(key, |row| {
                row.place = Some(place);
                row.port = port;
                row.password = None;
                row.restored_from = None;
                row.instance.endpoint =
                    Some(Endpoint { address: "127.0.0.1".to_owned(), port: i64::from(port) });
            })?;
            enter(cloud, key, "backing-up")
        }
        Err(error) => {
            tracing::error!(instance = key, %error, "a database instance could not be made");
            store.instances.update(key, |row| {
                row.instance.status_infos = vec![StatusInfo {
                    status_type: "instance".to_owned(),
                    normal: false,
                    status: "error".to_owned(),
                    message: error.to_string(),
                }];
                row.password = None;
            })?;
            enter(cloud, key, "failed")
        }
    };
    forget_password(cloud, row);
    stepped
}

/// Removes the file of a password that the instance's record had.
fn forget_password(cloud: &Cloud, row: &InstanceRow) {
    if let Some(name) = &row.password {
        password::forget(cloud.data_dir(), name);
    }
}

fn password_of(cloud: &Cloud, row: &InstanceRow) -> Result<Option<String>, PostgresError> {
    let read = |name: &String| {
        let path = cloud.data_dir().join(password::FOLDER).join(name);
        password::read(cloud.data_dir(), name).map_err(|source| PostgresError::Io {
            what: "read",
            path,
            source,
        })
    };
    row.password.as_ref().map(read).transpose()
}

async fn make(
    cloud: &Cloud,
    key: &str,
    row: &InstanceRow,
) -> Result<(std::path::PathBuf, u16, Server), PostgresError> {
    let binaries = find_postgres()?;
    sweep_databases(None);
    let place = find_place(cloud.data_dir())?;
    let made = async {
        let cluster = Cluster { binaries, place: place.clone() };
        if let Some(name) = &row.restored_from {
            let kept = cloud.part::<RdsStore>().snapshots.get(name).and_then(|row| row.place);
            let gone = || PostgresError::Failed { program: "restore", output: format!("{name} is gone") };
            cluster.copy_from(&kept.ok_or_else(gone)?).await?;
            return start(cloud, key, &cluster).await;
        }
        let password = password_of(cloud, row)?.unwrap_or_default();
        let owner = Owner {
            user: &row.instance.master_username,
            password: &password,
            database: row.instance.name.as_deref().filter(|name| *name != "postgres"),
        };
        cluster.initialize(&owner).await?;
        start(cloud, key, &cluster).await
    };
    match made.await {
        Ok((port, server)) => Ok((place, port, server)),
        Err(error) => {
            remove_place(&place)?;
            Err(error)
        }
    }
}

/// Starts the server of a new cluster on a port of its own.
async fn start(cloud: &Cloud, key: &str, cluster: &Cluster) -> Result<(u16, Server), PostgresError> {
    let no_port = || PostgresError::NotReady { output: "no port of 127.0.0.1 is free".to_owned() };
    let port = free_port().ok_or_else(no_port)?;
    let server = Server::start(&cloud.part::<Processes>(), &process_key(key), cluster, port).await?;
    Ok((port, server))
}

fn cluster_of(row: &InstanceRow) -> Result<Option<Cluster>, PostgresError> {
    let Some(place) = row.place.clone() else { return Ok(None) };
    Ok(Some(Cluster { binaries: find_postgres()?, place }))
}

/// Starts the server if it does not run. Nothing is under way then: when the server ends, and when something is asked of
/// the instance, it is driven again.
async fn keep_running(cloud: &Cloud, key: &str, row: &InstanceRow) -> Result<Next, StepError> {
    let store = cloud.part::<RdsStore>();
    if store.server(key).is_some_and(|server| !server.has_ended()) {
        return Ok(Next::Done);
    }
    let Some(cluster) = cluster_of(row)? else { return Ok(Next::Done) };
    let server = Server::start(&cloud.part::<Processes>(), &process_key(key), &cluster, row.port).await?;
    keep(cloud, key, server);
    Ok(Next::Done)
}

/// Keeps a server, and looks at its instance again when it ends.
fn keep(cloud: &Cloud, key: &str, server: Server) {
    cloud.part::<RdsStore>().keep_server(key, server.clone());
    let (cloud, key) = (cloud.clone(), key.to_owned());
    tokio::spawn(async move {
        server.ended().await;
        if !cloud.stopping().is_cancelled() {
            cloud.start::<InstanceEngine>(&key);
        }
    });
}

async fn modify(cloud: &Cloud, key: &str, row: &InstanceRow) -> Result<Next, StepError> {
    let store = cloud.part::<RdsStore>();
    if let (Some(password), Some(cluster)) = (password_of(cloud, row)?, cluster_of(row)?) {
        if let Some(server) = store.forget_server(key) {
            server.stop().await;
        }
        cluster.set_password(&row.instance.master_username, &password).await?;
        store.instances.update(key, |row| row.password = None)?;
        forget_password(cloud, row);
    }
    enter(cloud, key, "available")
}

async fn delete(cloud: &Cloud, key: &str, row: &InstanceRow) -> Result<Next, StepError> {
    let store = cloud.part::<RdsStore>();
    if let Some(server) = store.forget_server(key) {
        server.stop().await;
    }
    let processes = cloud.part::<Processes>();
    let signal = nix::sys::signal::Signal::SIGINT;
    processes.end_leftover(&process_key(key), signal, Duration::from_secs(20)).await?;
    match (&row.final_snapshot, &row.place) {
        (Some(name), place) => {
            let snapshot = snapshot_of(cloud, name, row);
            store.snapshots.put(name, &SnapshotRow { snapshot, place: place.clone() })?;
        }
        (None, Some(place)) => remove_place(place)?,
        (None, None) => {}
    }
    store.instances.remove(key)?;
    forget_password(cloud, row);
    Ok(Next::Done)
}

fn snapshot_of(cloud: &Cloud, name: &str, row: &InstanceRow) -> DbSnapshot {
    let instance = &row.instance;
    DbSnapshot {
        identifier: name.to_owned(),
        arn: cloud.arn("rds", &format!("snapshot:{name}")),
        instance: instance.identifier.clone(),
        snapshot_create_time: Some(cloud.clock().now()),
        instance_create_time: instance.instance_create_time,
        engine: instance.engine.clone(),
        engine_version: instance.engine_version.clone(),
        allocated_storage: instance.allocated_storage,
        status: "available".to_owned(),
        snapshot_type: "manual".to_owned(),
        percent_progress: 100,
        master_username: instance.master_username.clone(),
        encrypted: instance.storage_encrypted,
        tag_list: if instance.copy_tags_to_snapshot { instance.tag_list.clone() } else { Vec::new() },
    }
}
