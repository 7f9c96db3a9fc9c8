//! `ModifyDBInstance`. Changes are applied at once; AWS waits for the maintenance window unless told.

use serde::{Deserialize, Serialize};

use super::instances::{InstanceOutput, check_password, instance_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::rds::engine::InstanceEngine;
use crate::services::rds::password;
use crate::services::rds::shapes::{DbInstance, SecurityGroupMembership};
use crate::services::rds::store::RdsStore;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ModifyDbInstance {
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: String,
    #[serde(rename = "DBInstanceClass")]
    pub class: Option<String>,
    pub engine_version: Option<String>,
    pub allocated_storage: Option<i64>,
    pub master_user_password: Option<String>,
    pub backup_retention_period: Option<i64>,
    #[serde(rename = "MultiAZ")]
    pub multi_az: Option<bool>,
    pub publicly_accessible: Option<bool>,
    pub storage_type: Option<String>,
    pub auto_minor_version_upgrade: Option<bool>,
    pub copy_tags_to_snapshot: Option<bool>,
    pub deletion_protection: Option<bool>,
    #[serde(rename = "DBParameterGroupName")]
    pub parameter_group: Option<String>,
    pub vpc_security_group_ids: Vec<String>,
}

impl Operation for ModifyDbInstance {
    type Output = InstanceOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "ModifyDBInstance";

    fn resource(&self, cloud: &Cloud) -> String {
        instance_arn(cloud, &self.identifier)
    }

    async fn handle(self, call: &Call) -> Result<InstanceOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let key = store.instance(&self.identifier)?.instance.identifier;
        let data_dir = call.cloud.data_dir();
        let given = self.master_user_password.as_deref();
        let file = given.map(|given| {
            check_password(Some(given))?;
            password::keep(data_dir, given)
        });
        let file = file.transpose()?;
        let modified = store.instances.try_update(&key, |row| {
            if row.instance.status != "available" {
                let message = format!("Database instance {key} is not in available state.");
                return Err(ServiceError::new("InvalidDBInstanceState", message));
            }
            self.apply_to(&mut row.instance)?;
            if file.is_some() {
                row.password.clone_from(&file);
                row.instance.status = "modifying".to_owned();
            }
            Ok(row.instance.clone())
        });
        if let Some(file) = file.filter(|_| !matches!(modified, Ok(Some(_)))) {
            password::forget(data_dir, &file);
        }
        let modified = modified?;
        call.cloud.start::<InstanceEngine>(&key);
        Ok(InstanceOutput { instance: modified.unwrap_or_default() })
    }
}

impl ModifyDbInstance {
    fn apply_to(&self, instance: &mut DbInstance) -> Result<(), ServiceError> {
        if let Some(storage) = self.allocated_storage {
            if storage < instance.allocated_storage {
                return Err(ServiceError::new(
                    "InvalidParameterCombination",
                    "Requested storage size (in GiB) cannot be less than the current storage size.",
                ));
            }
            instance.allocated_storage = storage;
        }
        set(&mut instance.class, &self.class);
        set(&mut instance.engine_version, &self.engine_version);
        set(&mut instance.storage_type, &self.storage_type);
        set(&mut instance.backup_retention_period, &self.backup_retention_period);
        set(&mut instance.multi_az, &self.multi_az);
        set(&mut instance.publicly_accessible, &self.publicly_accessible);
        set(&mut instance.auto_minor_version_upgrade, &self.auto_minor_version_upgrade);
        set(&mut instance.copy_tags_to_snapshot, &self.copy_tags_to_snapshot);
        set(&mut instance.deletion_protection, &self.deletion_protection);
        if let (Some(name), Some(group)) = (&self.parameter_group, instance.parameter_groups.first_mut()) {
            group.name.clone_from(name);
        }
        if !self.vpc_security_group_ids.is_empty() {
            let ids = self.vpc_security_group_ids.iter();
            instance.vpc_security_groups = ids
                .map(|id| SecurityGroupMembership {
                    vpc_security_group_id: id.clone(),
                    status: "active".to_owned(),
                })
                .collect();
        }
        Ok(())
    }
}

fn set<T: Clone>(current: &mut T, given: &Option<T>) {
    if let Some(given) = given {
        current.clone_from(given);
    }
}
