//! The tables of RDS, and the servers that run.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::shapes::{DbInstance, DbParameterGroup, DbSnapshot, DbSubnetGroup, Parameter};
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;
use crate::runtime::postgres::Server;
use crate::tags::Tag;

pub(crate) struct RdsStore {
    pub instances: Table<InstanceRow>,
    pub subnet_groups: Table<SubnetGroupRow>,
    pub parameter_groups: Table<ParameterGroupRow>,
    pub snapshots: Table<SnapshotRow>,
    /// By instance identifier.
    servers: Mutex<HashMap<String, Server>>,
}

/// An instance and what is kept of it besides.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct InstanceRow {
    pub instance: DbInstance,
    /// The file of its password, until the cluster has it; that of a new one until the cluster has that.
    #[serde(rename = "password_file")]
    pub password: Option<String>,
    /// The snapshot that it is made from, until it is made.
    pub restored_from: Option<String>,
    /// The cluster's folder, once it is whole.
    pub place: Option<PathBuf>,
    /// Kept over restarts.
    pub port: u16,
    /// The final snapshot to take when it is deleted.
    pub final_snapshot: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SubnetGroupRow {
    pub group: DbSubnetGroup,
    pub tags: Vec<Tag>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ParameterGroupRow {
    pub group: DbParameterGroup,
    pub parameters: Vec<Parameter>,
    pub tags: Vec<Tag>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SnapshotRow {
    pub snapshot: DbSnapshot,
    /// The instance's cluster, kept as it was.
    pub place: Option<PathBuf>,
}

impl Part for RdsStore {
    fn open(setup: &Setup) -> Self {
        Self {
            instances: setup.database.table("rds-instances"),
            subnet_groups: setup.database.table("rds-subnet-groups"),
            parameter_groups: setup.database.table("rds-parameter-groups"),
            snapshots: setup.database.table("rds-snapshots"),
            servers: Mutex::default(),
        }
    }
}

impl RdsStore {
    pub(super) fn instance(&self, identifier: &str) -> Result<InstanceRow, ServiceError> {
        let identifier = identifier.to_ascii_lowercase();
        self.instances.get(&identifier).ok_or_else(|| {
            ServiceError::new("DBInstanceNotFound", format!("DBInstance {identifier} not found."))
                .with_status(404)
        })
    }

    pub(super) fn server(&self, identifier: &str) -> Option<Server> {
        self.lock().get(identifier).cloned()
    }

    pub(super) fn keep_server(&self, identifier: &str, server: Server) {
        self.lock().insert(identifier.to_owned(), server);
    }

    pub(super) fn forget_server(&self, identifier: &str) -> Option<Server> {
        self.lock().remove(identifier)
    }

    pub(super) fn servers(&self) -> Vec<Server> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
