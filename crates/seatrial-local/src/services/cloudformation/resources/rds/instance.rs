//! `AWS::RDS::DBInstance`.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Flag, Number, Resource, ResourceContext, Tag, answered, attributes, gone,
    own_tags, told,
};
use crate::error::ServiceError;
use crate::services::rds::{
    CreateDbInstance, DbInstance, DeleteDbInstance, DescribeDbInstances, ModifyDbInstance,
    RestoreDbInstanceFromDbSnapshot,
};

const PATIENCE: Duration = Duration::from_secs(3600);
const POLL: Duration = Duration::from_millis(100);
const MISSING: &str = "DBInstanceNotFound";

pub(super) struct Instance;

/// What RDS shows as the template writes it; never the password.
const SHOWN: [&str; 14] = [
    "DBInstanceClass",
    "DBInstanceIdentifier",
    "Engine",
    "DBName",
    "MasterUsername",
    "AllocatedStorage",
    "StorageType",
    "StorageEncrypted",
    "MultiAZ",
    "PubliclyAccessible",
    "BackupRetentionPeriod",
    "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot",
    "DeletionProtection",
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct InstanceProperties {
    #[serde(rename = "DBInstanceIdentifier")]
    identifier: Option<String>,
    #[serde(rename = "DBInstanceClass")]
    class: Option<String>,
    engine: Option<String>,
    engine_version: Option<String>,
    #[serde(rename = "DBName")]
    name: Option<String>,
    #[serde(rename = "DBSnapshotIdentifier")]
    snapshot: Option<String>,
    master_username: Option<String>,
    master_user_password: Option<String>,
    allocated_storage: Option<Number>,
    storage_type: Option<String>,
    storage_encrypted: Option<Flag>,
    kms_key_id: Option<String>,
    #[serde(rename = "MultiAZ")]
    multi_az: Option<Flag>,
    publicly_accessible: Option<Flag>,
    #[serde(rename = "DBSubnetGroupName")]
    subnet_group: Option<String>,
    #[serde(rename = "DBParameterGroupName")]
    parameter_group: Option<String>,
    #[serde(rename = "VPCSecurityGroups")]
    security_groups: Vec<String>,
    backup_retention_period: Option<Number>,
    auto_minor_version_upgrade: Option<Flag>,
    copy_tags_to_snapshot: Option<Flag>,
    deletion_protection: Option<Flag>,
    #[serde(rename = "EnableCloudwatchLogsExports")]
    logs_exports: Vec<String>,
    tags: Vec<Tag>,
}

/// How an instance is made from a snapshot, and what is changed of it once it is there.
type Restoring = (RestoreDbInstanceFromDbSnapshot, ModifyDbInstance);

fn flag(given: Option<Flag>) -> Option<bool> {
    given.map(|flag| flag.0)
}

impl InstanceProperties {
    fn into_create(self, ctx: &ResourceContext, identifier: String) -> CreateDbInstance {
        CreateDbInstance {
            identifier,
            tags: ctx.tag_list(&self.tags),
            class: self.class.unwrap_or_default(),
            engine: self.engine.unwrap_or_default(),
            engine_version: self.engine_version,
            name: self.name,
            master_username: self.master_username,
            master_user_password: self.master_user_password,
            allocated_storage: self.allocated_storage.map(|number| number.0),
            storage_type: self.storage_type,
            storage_encrypted: flag(self.storage_encrypted),
            kms_key_id: self.kms_key_id,
            multi_az: flag(self.multi_az),
            publicly_accessible: flag(self.publicly_accessible),
            subnet_group: self.subnet_group,
            parameter_group: self.parameter_group,
            vpc_security_group_ids: self.security_groups,
            backup_retention_period: self.backup_retention_period.map(|number| number.0),
            auto_minor_version_upgrade: flag(self.auto_minor_version_upgrade),
            copy_tags_to_snapshot: flag(self.copy_tags_to_snapshot),
            deletion_protection: flag(self.deletion_protection),
            enable_cloudwatch_logs_exports: self.logs_exports,
        }
    }

    /// What cannot be said while restoring is said to the instance afterwards.
    fn into_restore(self, ctx: &ResourceContext, (identifier, snapshot): (String, String)) -> Restoring {
        let input = RestoreDbInstanceFromDbSnapshot {
            identifier: identifier.clone(),
            snapshot,
            tags: ctx.tag_list(&self.tags),
            class: self.class.clone(),
            engine: self.engine.clone(),
            storage_type: self.storage_type.clone(),
            multi_az: flag(self.multi_az),
            publicly_accessible: flag(self.publicly_accessible),
            subnet_group: self.subnet_group.clone(),
            parameter_group: self.parameter_group.clone(),
            vpc_security_group_ids: self.security_groups.clone(),
            auto_minor_version_upgrade: flag(self.auto_minor_version_upgrade),
            copy_tags_to_snapshot: flag(self.copy_tags_to_snapshot),
            deletion_protection: flag(self.deletion_protection),
            enable_cloudwatch_logs_exports: self.logs_exports.clone(),
        };
        (input, self.into_modify(&Self::default(), &identifier))
    }

    fn into_modify(self, old: &Self, identifier: &str) -> ModifyDbInstance {
        let has_new_password = self.master_user_password != old.master_user_password;
        ModifyDbInstance {
            identifier: identifier.to_owned(),
            class: self.class,
            engine_version: self.engine_version,
            allocated_storage: self.allocated_storage.map(|number| number.0),
            master_user_password: self.master_user_password.filter(|_| has_new_password),
            backup_retention_period: self.backup_retention_period.map(|number| number.0),
            multi_az: flag(self.multi_az),
            publicly_accessible: flag(self.publicly_accessible),
            storage_type: self.storage_type,
            auto_minor_version_upgrade: flag(self.auto_minor_version_upgrade),
            copy_tags_to_snapshot: flag(self.copy_tags_to_snapshot),
            deletion_protection: flag(self.deletion_protection),
            parameter_group: self.parameter_group,
            vpc_security_group_ids: self.security_groups,
        }
    }
}

/// The instance, when it has reached an end. `None`: it is gone.
async fn settled(ctx: &ResourceContext, identifier: &str) -> Result<Option<DbInstance>, ServiceError> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let input = DescribeDbInstances { identifier: Some(identifier.to_owned()) };
        let found = match ctx.cloud.call(&ctx.principal, input).await {
            Ok(found) => found.instances.into_iter().next(),
            Err(error) if error.code == MISSING => None,
            Err(error) => return Err(error),
        };
        match found {
            None => return Ok(None),
            Some(instance) if matches!(instance.status.as_str(), "available" | "failed") => {
                return Ok(Some(instance));
            }
            Some(_) => tokio::time::sleep(POLL).await,
        }
    }
    Err(ServiceError::new("NotStabilized", format!("DB instance {identifier} did not stabilize")))
}

/// The attributes of an instance that is available.
async fn available(ctx: &ResourceContext, identifier: &str) -> Result<Attributes, ServiceError> {
    let gone = || ServiceError::new(MISSING, format!("DBInstance {identifier} not found."));
    let instance = settled(ctx, identifier).await?.ok_or_else(gone)?;
    if instance.status == "failed" {
        let why = instance.status_infos.first().map_or("", |info| info.message.as_str());
        return Err(ServiceError::new(
            "NotStabilized",
            format!("DB instance {identifier} has failed: {why}"),
        ));
    }
    let endpoint = instance.endpoint.unwrap_or_default();
    Ok(attributes([
        ("Endpoint.Address", json!(endpoint.address)),
        ("Endpoint.Port", json!(endpoint.port.to_string())),
        ("Endpoint.HostedZoneId", json!("")),
        ("DBInstanceArn", json!(instance.arn)),
        ("DbiResourceId", json!(instance.dbi_resource_id)),
    ]))
}

/// As AWS's own handler does it: the instance has the snapshot's password until it is given the template's
/// (aws-cloudformation-resource-providers-rds, `shouldUpdateAfterCreate`). Its owner and its database are the
/// snapshot's: the reference refuses `MasterUsername`, `DBName` and `StorageEncrypted` beside a snapshot.
async fn restore(
    ctx: &ResourceContext,
    properties: InstanceProperties,
    (identifier, snapshot): (String, String),
) -> Result<Attributes, ServiceError> {
    for (name, given) in [
        ("MasterUsername", properties.master_username.is_some()),
        ("DBName", properties.name.is_some()),
        ("StorageEncrypted", properties.storage_encrypted.is_some()),
    ] {
        if given {
            let message = format!("{name} must not be given with DBSnapshotIdentifier: it is the snapshot's");
            return Err(ServiceError::new("InvalidParameterCombination", message));
        }
    }
    let (input, after) = properties.into_restore(ctx, (identifier.clone(), snapshot));
    ctx.made(ctx.cloud.call(&ctx.principal, input).await, "DBInstanceAlreadyExists")?;
    ctx.initiated(&identifier);
    available(ctx, &identifier).await?;
    ctx.cloud.call(&ctx.principal, after).await?;
    available(ctx, &identifier).await
}

impl Resource for Instance {
    const TYPE: &'static str = "AWS::RDS::DBInstance";
    type Properties = InstanceProperties;

    async fn create(ctx: &ResourceContext, properties: InstanceProperties) -> Result<Created, ServiceError> {
        let name = properties.identifier.clone().unwrap_or_else(|| ctx.generated_name(63));
        let identifier = name.to_ascii_lowercase();
        let snapshot = properties.snapshot.clone().filter(|name| !name.is_empty());
        let attributes = match snapshot {
            Some(snapshot) => restore(ctx, properties, (identifier.clone(), snapshot)).await?,
            None => {
                let input = properties.into_create(ctx, identifier.clone());
                ctx.made(ctx.cloud.call(&ctx.principal, input).await, "DBInstanceAlreadyExists")?;
                ctx.initiated(&identifier);
                available(ctx, &identifier).await?
            }
        };
        Ok(Created { physical_id: identifier, attributes })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<InstanceProperties>,
    ) -> Result<Attributes, ServiceError> {
        let input = change.new.into_modify(&change.old, physical_id);
        ctx.cloud.call(&ctx.principal, input).await?;
        available(ctx, physical_id).await
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: InstanceProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeDbInstances { identifier: Some(id.to_owned()) };
        let Some(answer) = answered(ctx.cloud.call(&ctx.principal, input).await, MISSING)? else {
            return Ok(None);
        };
        let shown = &answer["DBInstances"][0];
        let mut read = told(shown, SHOWN);
        let groups = shown["VpcSecurityGroups"].as_array().into_iter().flatten();
        let groups = groups.map(|group| group["VpcSecurityGroupId"].clone()).collect();
        read.insert("VPCSecurityGroups".to_owned(), groups);
        read.insert("DBSubnetGroupName".to_owned(), shown["DBSubnetGroup"]["DBSubnetGroupName"].clone());
        let parameters = shown["DBParameterGroups"][0]["DBParameterGroupName"].clone();
        read.insert("DBParameterGroupName".to_owned(), parameters);
        // A major version stands for any of its minors.
        let version = shown["EngineVersion"].as_str().unwrap_or_default();
        let major = properties.engine_version.filter(|asked| version.starts_with(&format!("{asked}.")));
        read.insert("EngineVersion".to_owned(), json!(major.as_deref().unwrap_or(version)));
        read.insert("Tags".to_owned(), own_tags(&properties.tags, &shown["TagList"]));
        Ok(Some(read.into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: InstanceProperties,
    ) -> Result<(), ServiceError> {
        let snapshot = format!("{}-snapshot-{}-{}", ctx.stack_name, ctx.logical_id, crate::id::hex(12));
        let input = DeleteDbInstance {
            identifier: physical_id.to_owned(),
            skip_final_snapshot: !ctx.snapshot,
            final_snapshot: ctx.snapshot.then(|| snapshot.to_ascii_lowercase()),
        };
        match ctx.cloud.call(&ctx.principal, input).await {
            // An earlier try has asked for it already.
            Err(error) if error.code == "InvalidDBInstanceState" => {}
            deleted => gone(deleted, MISSING)?,
        }
        match settled(ctx, physical_id).await? {
            None => Ok(()),
            Some(instance) => {
                let message =
                    format!("DB instance {physical_id} is {}, expected to be gone", instance.status);
                Err(ServiceError::new("NotStabilized", message))
            }
        }
    }
}
