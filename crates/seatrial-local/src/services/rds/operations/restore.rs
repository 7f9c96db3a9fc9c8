//! `RestoreDBInstanceFromDBSnapshot`: an instance with the data, the owner and the password that the snapshot has.

use serde::{Deserialize, Serialize};

use super::instances::{CreateDbInstance, InstanceOutput, check_identifier, instance_arn};
use super::snapshots::not_found;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::runtime::postgres::find_postgres;
use crate::services::iam::ensure_linked_role;
use crate::services::rds::engine::InstanceEngine;
use crate::services::rds::store::{InstanceRow, RdsStore};
use crate::tags::Tag;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RestoreDbInstanceFromDbSnapshot {
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: String,
    /// A name, or an ARN.
    #[serde(rename = "DBSnapshotIdentifier")]
    pub snapshot: String,
    #[serde(rename = "DBInstanceClass")]
    pub class: Option<String>,
    /// As the snapshot's, if given.
    pub engine: Option<String>,
    pub storage_type: Option<String>,
    #[serde(rename = "MultiAZ")]
    pub multi_az: Option<bool>,
    pub publicly_accessible: Option<bool>,
    #[serde(rename = "DBSubnetGroupName")]
    pub subnet_group: Option<String>,
    #[serde(rename = "DBParameterGroupName")]
    pub parameter_group: Option<String>,
    pub vpc_security_group_ids: Vec<String>,
    pub auto_minor_version_upgrade: Option<bool>,
    pub copy_tags_to_snapshot: Option<bool>,
    pub deletion_protection: Option<bool>,
    pub enable_cloudwatch_logs_exports: Vec<String>,
    pub tags: Vec<Tag>,
}

impl Operation for RestoreDbInstanceFromDbSnapshot {
    type Output = InstanceOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "RestoreDBInstanceFromDBSnapshot";

    fn resource(&self, cloud: &Cloud) -> String {
        instance_arn(cloud, &self.identifier)
    }

    async fn handle(self, call: &Call) -> Result<InstanceOutput, ServiceError> {
        check_identifier(&self.identifier)?;
        let store = call.cloud.part::<RdsStore>();
        let name = self.snapshot.rsplit(':').next().unwrap_or_default().to_owned();
        let kept = store.snapshots.get(&name).ok_or_else(|| not_found(&self.snapshot))?;
        if kept.place.is_none() {
            let message = format!("The snapshot {name} holds no data: its instance was never available");
            return Err(ServiceError::new("InvalidDBSnapshotState", message));
        }
        if self.engine.as_ref().is_some_and(|engine| *engine != kept.snapshot.engine) {
            let message = "The engine of a restored instance must be that of its snapshot.";
            return Err(ServiceError::new("InvalidParameterCombination", message));
        }
        find_postgres()
            .map_err(|error| ServiceError::new("InsufficientDBInstanceCapacity", error.to_string()))?;
        ensure_linked_role(call, "rds.amazonaws.com").await?;
        let snapshot = kept.snapshot;
        let input = CreateDbInstance {
            identifier: self.identifier,
            class: self.class.unwrap_or_else(|| "db.m5.large".to_owned()),
            engine: snapshot.engine,
            engine_version: Some(snapshot.engine_version),
            master_username: Some(snapshot.master_username),
            allocated_storage: Some(snapshot.allocated_storage),
            storage_encrypted: Some(snapshot.encrypted),
            storage_type: self.storage_type,
            multi_az: self.multi_az,
            publicly_accessible: self.publicly_accessible,
            subnet_group: self.subnet_group,
            parameter_group: self.parameter_group,
            vpc_security_group_ids: self.vpc_security_group_ids,
            auto_minor_version_upgrade: self.auto_minor_version_upgrade,
            copy_tags_to_snapshot: self.copy_tags_to_snapshot,
            deletion_protection: self.deletion_protection,
            enable_cloudwatch_logs_exports: self.enable_cloudwatch_logs_exports,
            tags: self.tags,
            ..CreateDbInstance::default()
        };
        let instance = input.into_instance(call, &store)?;
        let row = InstanceRow { instance, restored_from: Some(name), ..InstanceRow::default() };
        let key = row.instance.identifier.clone();
        if !store.instances.insert_new(&key, &row)? {
            return Err(ServiceError::new("DBInstanceAlreadyExists", "DB instance already exists"));
        }
        call.cloud.start::<InstanceEngine>(&key);
        Ok(InstanceOutput { instance: row.instance })
    }
}
