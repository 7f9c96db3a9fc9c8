//! Database instances: made, described, deleted.

use serde::{Deserialize, Serialize};

use crate::access::key_not_accessible;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::runtime::postgres::find_postgres;
use crate::services::iam::ensure_linked_role;
use crate::services::kms;
use crate::services::rds::engine::InstanceEngine;
use crate::services::rds::password;
use crate::services::rds::shapes::{DbInstance, ParameterGroupStatus, SecurityGroupMembership};
use crate::services::rds::store::{InstanceRow, RdsStore};
use crate::tags::Tag;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateDbInstance {
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: String,
    #[serde(rename = "DBInstanceClass")]
    pub class: String,
    pub engine: String,
    pub engine_version: Option<String>,
    #[serde(rename = "DBName")]
    pub name: Option<String>,
    pub master_username: Option<String>,
    pub master_user_password: Option<String>,
    pub allocated_storage: Option<i64>,
    pub storage_type: Option<String>,
    pub storage_encrypted: Option<bool>,
    /// Id, ARN or alias.
    pub kms_key_id: Option<String>,
    #[serde(rename = "MultiAZ")]
    pub multi_az: Option<bool>,
    pub publicly_accessible: Option<bool>,
    #[serde(rename = "DBSubnetGroupName")]
    pub subnet_group: Option<String>,
    #[serde(rename = "DBParameterGroupName")]
    pub parameter_group: Option<String>,
    pub vpc_security_group_ids: Vec<String>,
    pub backup_retention_period: Option<i64>,
    pub auto_minor_version_upgrade: Option<bool>,
    pub copy_tags_to_snapshot: Option<bool>,
    pub deletion_protection: Option<bool>,
    pub enable_cloudwatch_logs_exports: Vec<String>,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
pub(crate) struct InstanceOutput {
    #[serde(rename = "DBInstance")]
    pub instance: DbInstance,
}

impl Operation for CreateDbInstance {
    type Output = InstanceOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "CreateDBInstance";

    fn resource(&self, cloud: &Cloud) -> String {
        instance_arn(cloud, &self.identifier)
    }

    async fn handle(self, call: &Call) -> Result<InstanceOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        self.check()?;
        // Told now rather than by an instance that fails.
        find_postgres()
            .map_err(|error| ServiceError::new("InsufficientDBInstanceCapacity", error.to_string()))?;
        ensure_linked_role(call, "rds.amazonaws.com").await?;
        self.grant(&call.cloud)?;
        let given = self.master_user_password.clone().unwrap_or_default();
        let instance = self.into_instance(call, &store)?;
        let data_dir = call.cloud.data_dir();
        let file = password::keep(data_dir, &given)?;
        let row = InstanceRow { instance, password: Some(file.clone()), ..InstanceRow::default() };
        let key = row.instance.identifier.clone();
        let put = store.instances.insert_new(&key, &row);
        if !matches!(put, Ok(true)) {
            password::forget(data_dir, &file);
        }
        if !put? {
            return Err(ServiceError::new("DBInstanceAlreadyExists", "DB instance already exists"));
        }
        call.cloud.start::<InstanceEngine>(&key);
        Ok(InstanceOutput { instance: row.instance })
    }
}

impl CreateDbInstance {
    /// RDS uses the key by a grant (user guide, Overview.Encryption.Keys).
    fn grant(&self, cloud: &Cloud) -> Result<(), ServiceError> {
        let Some(key) = &self.kms_key_id else { return Ok(()) };
        if self.storage_encrypted != Some(true) {
            let message = "A KMS key can only be given for encrypted storage.";
            return Err(ServiceError::new("InvalidParameterCombination", message));
        }
        let operations =
            ["CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "RetireGrant"];
        let granted = kms::grant_to_service(cloud, key, ("rds", &self.identifier), &operations);
        granted.map(|_| ()).map_err(|_| key_not_accessible(&kms::arn_of(cloud, key)))
    }

    fn check(&self) -> Result<(), ServiceError> {
        check_identifier(&self.identifier)?;
        if self.engine != "postgres" {
            return Err(invalid_value("The local cloud runs no engine but postgres"));
        }
        let user = self.master_username.as_deref().unwrap_or_default();
        let word = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name.len() <= 63
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !word(user) || user.starts_with("pg_") || matches!(user, "admin" | "rdsadmin") {
            return Err(invalid_value(format!(
                "MasterUsername {user} cannot be used as it is a reserved word used by the engine"
            )));
        }
        if self.name.as_deref().is_some_and(|name| !word(name)) {
            return Err(invalid_value(
                "DBName must begin with a letter and contain only alphanumeric characters.",
            ));
        }
        check_password(self.master_user_password.as_deref())
    }

    pub(super) fn into_instance(self, call: &Call, store: &RdsStore) -> Result<DbInstance, ServiceError> {
        let subnet_group = match self.subnet_group {
            Some(name) => {
                let found = store.subnet_groups.get(&name.to_ascii_lowercase());
                let missing = || {
                    let message = format!("DBSubnetGroup '{name}' not found.");
                    ServiceError::new("DBSubnetGroupNotFoundFault", message).with_status(404)
                };
                Some(found.ok_or_else(missing)?.group)
            }
            None => None,
        };
        let parameter_group = self.parameter_group.unwrap_or_else(|| "default.postgres17".to_owned());
        if !parameter_group.starts_with("default.") && !store.parameter_groups.contains(&parameter_group) {
            let message = format!("DBParameterGroup not found: {parameter_group}");
            return Err(ServiceError::new("DBParameterGroupNotFound", message).with_status(404));
        }
        let identifier = self.identifier.to_ascii_lowercase();
        let membership =
            |id: String| SecurityGroupMembership { vpc_security_group_id: id, status: "active".to_owned() };
        Ok(DbInstance {
            arn: instance_arn(&call.cloud, &identifier),
            identifier,
            class: self.class,
            dbi_resource_id: format!("db-{}", crate::id::upper(26)),
            engine: self.engine,
            engine_version: self.engine_version.unwrap_or_else(|| "17".to_owned()),
            status: "creating".to_owned(),
            master_username: self.master_username.unwrap_or_default(),
            name: self.name,
            endpoint: None,
            allocated_storage: self.allocated_storage.unwrap_or(20),
            instance_create_time: Some(call.cloud.clock().now()),
            backup_retention_period: self.backup_retention_period.unwrap_or(1),
            multi_az: self.multi_az.unwrap_or(false),
            publicly_accessible: self.publicly_accessible.unwrap_or(false),
            storage_type: self.storage_type.unwrap_or_else(|| "gp2".to_owned()),
            storage_encrypted: self.storage_encrypted.unwrap_or(false),
            kms_key_id: self.kms_key_id.map(|key| kms::arn_of(&call.cloud, &key)),
            auto_minor_version_upgrade: self.auto_minor_version_upgrade.unwrap_or(true),
            copy_tags_to_snapshot: self.copy_tags_to_snapshot.unwrap_or(false),
            deletion_protection: self.deletion_protection.unwrap_or(false),
            subnet_group,
            parameter_groups: vec![ParameterGroupStatus {
                name: parameter_group,
                status: "in-sync".to_owned(),
            }],
            vpc_security_groups: self.vpc_security_group_ids.into_iter().map(membership).collect(),
            enabled_cloudwatch_logs_exports: self.enable_cloudwatch_logs_exports,
            ca_certificate_identifier: "rds-ca-rsa2048-g1".to_owned(),
            tag_list: self.tags,
            status_infos: Vec::new(),
        })
    }
}

pub(super) fn check_identifier(identifier: &str) -> Result<(), ServiceError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !identifier.bytes().all(fits)
        || !identifier.starts_with(|first: char| first.is_ascii_alphabetic())
        || identifier.ends_with('-')
        || identifier.contains("--")
        || identifier.len() > 63
    {
        return Err(invalid_value(
            "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin with a \
                 letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen \
                 or contain two consecutive hyphens.",
        ));
    }
    Ok(())
}

pub(super) fn check_password(password: Option<&str>) -> Result<(), ServiceError> {
    let password = password.unwrap_or_default();
    if password.len() < 8 {
        return Err(invalid_value(
            "The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.",
        ));
    }
    let refused = |byte: u8| matches!(byte, b'/' | b'@' | b'"' | b' ') || !byte.is_ascii_graphic();
    if password.len() > 128 || password.bytes().any(refused) {
        return Err(invalid_value(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides \
             '/', '@', '\"', ' ' may be used.",
        ));
    }
    Ok(())
}

pub(super) fn instance_arn(cloud: &Cloud, identifier: &str) -> String {
    cloud.arn("rds", &format!("db:{}", identifier.to_ascii_lowercase()))
}

pub(super) fn invalid_value(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterValue", message)
}

#[derive(Deserialize, Default, Serialize)]
#[serde(default)]
pub(crate) struct DescribeDbInstances {
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct DescribeDbInstancesOutput {
    #[serde(rename = "DBInstances")]
    pub instances: Vec<DbInstance>,
}

impl Operation for DescribeDbInstances {
    type Output = DescribeDbInstancesOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DescribeDBInstances";

    async fn handle(self, call: &Call) -> Result<DescribeDbInstancesOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let rows = match self.identifier {
            // An ARN names an instance too.
            Some(given) => vec![store.instance(given.rsplit(':').next().unwrap_or(&given))?],
            None => store.instances.values(),
        };
        Ok(DescribeDbInstancesOutput { instances: rows.into_iter().map(|row| row.instance).collect() })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DeleteDbInstance {
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: String,
    pub skip_final_snapshot: bool,
    #[serde(rename = "FinalDBSnapshotIdentifier")]
    pub final_snapshot: Option<String>,
}

impl Operation for DeleteDbInstance {
    type Output = InstanceOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DeleteDBInstance";

    fn resource(&self, cloud: &Cloud) -> String {
        instance_arn(cloud, &self.identifier)
    }

    async fn handle(self, call: &Call) -> Result<InstanceOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let row = store.instance(&self.identifier)?;
        let key = row.instance.identifier;
        let combination = |message: &str| ServiceError::new("InvalidParameterCombination", message);
        if !self.skip_final_snapshot && self.final_snapshot.is_none() {
            return Err(combination(
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
            ));
        }
        if self.final_snapshot.as_deref().is_some_and(|name| store.snapshots.contains(name)) {
            return Err(ServiceError::new("DBSnapshotAlreadyExists", "The final snapshot exists already."));
        }
        let deleting = store.instances.try_update(&key, |row| {
            if row.instance.deletion_protection {
                return Err(combination(
                    "Cannot delete protected DB Instance, please disable deletion protection and try again.",
                ));
            }
            if row.instance.status == "deleting" {
                let message = "Instance is already being deleted.";
                return Err(ServiceError::new("InvalidDBInstanceState", message));
            }
            row.instance.status = "deleting".to_owned();
            row.final_snapshot = self.final_snapshot.filter(|_| !self.skip_final_snapshot);
            Ok(row.instance.clone())
        })?;
        call.cloud.start::<InstanceEngine>(&key);
        Ok(InstanceOutput { instance: deleting.unwrap_or_default() })
    }
}
