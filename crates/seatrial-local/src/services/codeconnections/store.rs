//! The connections.

use serde::{Deserialize, Serialize};

use crate::cloud::{Part, Setup};
use crate::persist::Table;
use crate::tags::Tag;

/// CodeConnections' state: connections by ARN.
pub(super) struct CodeConnections {
    pub connections: Table<ConnectionRow>,
}

impl Part for CodeConnections {
    fn open(setup: &Setup) -> Self {
        Self { connections: setup.database.table("codeconnections-connections") }
    }
}

/// Whether the handshake is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Pending,
    Available,
}

/// A connection, as GetConnection answers it, and its tags.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConnectionRow {
    pub connection_name: String,
    pub connection_arn: String,
    pub provider_type: String,
    pub owner_account_id: String,
    pub connection_status: Status,
    #[serde(default)]
    pub tags: Vec<Tag>,
}
