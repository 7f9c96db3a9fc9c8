//! Snapshots: the clusters of deleted instances, kept as they were.

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::runtime::postgres::remove_place;
use crate::services::rds::shapes::DbSnapshot;
use crate::services::rds::store::RdsStore;

#[derive(Deserialize, Default, Serialize)]
#[serde(default)]
pub(super) struct DescribeDbSnapshots {
    #[serde(rename = "DBInstanceIdentifier")]
    instance: Option<String>,
    #[serde(rename = "DBSnapshotIdentifier")]
    identifier: Option<String>,
}

#[derive(Serialize)]
pub(super) struct DescribeDbSnapshotsOutput {
    #[serde(rename = "DBSnapshots")]
    snapshots: Vec<DbSnapshot>,
}

impl Operation for DescribeDbSnapshots {
    type Output = DescribeDbSnapshotsOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DescribeDBSnapshots";

    async fn handle(self, call: &Call) -> Result<DescribeDbSnapshotsOutput, ServiceError> {
        let rows = call.cloud.part::<RdsStore>().snapshots.values();
        let mut snapshots: Vec<_> = rows.into_iter().map(|row| row.snapshot).collect();
        if let Some(instance) = self.instance {
            snapshots.retain(|snapshot| snapshot.instance == instance);
        }
        if let Some(identifier) = self.identifier {
            snapshots.retain(|snapshot| snapshot.identifier == identifier);
            if snapshots.is_empty() {
                return Err(not_found(&identifier));
            }
        }
        Ok(DescribeDbSnapshotsOutput { snapshots })
    }
}

pub(super) fn not_found(name: &str) -> ServiceError {
    ServiceError::new("DBSnapshotNotFound", format!("DBSnapshot {name} not found.")).with_status(404)
}

#[derive(Deserialize, Serialize)]
pub(super) struct DeleteDbSnapshot {
    #[serde(rename = "DBSnapshotIdentifier")]
    identifier: String,
}

#[derive(Serialize)]
pub(super) struct DeleteDbSnapshotOutput {
    #[serde(rename = "DBSnapshot")]
    snapshot: DbSnapshot,
}

impl Operation for DeleteDbSnapshot {
    type Output = DeleteDbSnapshotOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DeleteDBSnapshot";

    fn resource(&self, cloud: &Cloud) -> String {
        cloud.arn("rds", &format!("snapshot:{}", self.identifier))
    }

    async fn handle(self, call: &Call) -> Result<DeleteDbSnapshotOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let removed = store.snapshots.remove(&self.identifier)?;
        let row = removed.ok_or_else(|| not_found(&self.identifier))?;
        if let Some(place) = &row.place {
            remove_place(place).map_err(|error| ServiceError::internal(error.to_string()))?;
        }
        let snapshot = DbSnapshot { status: "deleted".to_owned(), ..row.snapshot };
        Ok(DeleteDbSnapshotOutput { snapshot })
    }
}
