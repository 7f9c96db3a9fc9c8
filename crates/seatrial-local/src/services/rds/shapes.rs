//! RDS's API shapes. Their names do not follow from ours: RDS writes `DBInstance`, not `DbInstance`.

use serde::{Deserialize, Serialize};

use crate::clock::Epoch;
use crate::tags::Tag;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DbInstance {
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: String,
    #[serde(rename = "DBInstanceArn")]
    pub arn: String,
    #[serde(rename = "DBInstanceClass")]
    pub class: String,
    pub dbi_resource_id: String,
    pub engine: String,
    /// As it was asked for; the server that really runs is the installed one.
    pub engine_version: String,
    /// `creating`, `backing-up`, `available`, `modifying`, `deleting`, `stopped`, `failed`.
    #[serde(rename = "DBInstanceStatus")]
    pub status: String,
    pub master_username: String,
    #[serde(rename = "DBName", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    pub allocated_storage: i64,
    pub instance_create_time: Option<Epoch>,
    pub backup_retention_period: i64,
    #[serde(rename = "MultiAZ")]
    pub multi_az: bool,
    pub publicly_accessible: bool,
    pub storage_type: String,
    pub storage_encrypted: bool,
    pub kms_key_id: Option<String>,
    pub auto_minor_version_upgrade: bool,
    pub copy_tags_to_snapshot: bool,
    pub deletion_protection: bool,
    #[serde(rename = "DBSubnetGroup", skip_serializing_if = "Option::is_none")]
    pub subnet_group: Option<DbSubnetGroup>,
    #[serde(rename = "DBParameterGroups")]
    pub parameter_groups: Vec<ParameterGroupStatus>,
    pub vpc_security_groups: Vec<SecurityGroupMembership>,
    pub enabled_cloudwatch_logs_exports: Vec<String>,
    #[serde(rename = "CACertificateIdentifier")]
    pub ca_certificate_identifier: String,
    pub tag_list: Vec<Tag>,
    /// Why it has failed; AWS uses it for read replicas only.
    pub status_infos: Vec<StatusInfo>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct StatusInfo {
    pub status_type: String,
    pub normal: bool,
    pub status: String,
    pub message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Endpoint {
    pub address: String,
    pub port: i64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DbSubnetGroup {
    #[serde(rename = "DBSubnetGroupName")]
    pub name: String,
    #[serde(rename = "DBSubnetGroupDescription")]
    pub description: String,
    #[serde(rename = "DBSubnetGroupArn")]
    pub arn: String,
    pub vpc_id: String,
    pub subnet_group_status: String,
    pub subnets: Vec<Subnet>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Subnet {
    pub subnet_identifier: String,
    pub subnet_availability_zone: Zone,
    pub subnet_status: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Zone {
    pub name: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ParameterGroupStatus {
    #[serde(rename = "DBParameterGroupName")]
    pub name: String,
    #[serde(rename = "ParameterApplyStatus")]
    pub status: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SecurityGroupMembership {
    pub vpc_security_group_id: String,
    pub status: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DbParameterGroup {
    #[serde(rename = "DBParameterGroupName")]
    pub name: String,
    #[serde(rename = "DBParameterGroupFamily")]
    pub family: String,
    pub description: String,
    #[serde(rename = "DBParameterGroupArn")]
    pub arn: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Parameter {
    pub parameter_name: String,
    pub parameter_value: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DbSnapshot {
    #[serde(rename = "DBSnapshotIdentifier")]
    pub identifier: String,
    #[serde(rename = "DBSnapshotArn")]
    pub arn: String,
    #[serde(rename = "DBInstanceIdentifier")]
    pub instance: String,
    pub snapshot_create_time: Option<Epoch>,
    pub instance_create_time: Option<Epoch>,
    pub engine: String,
    pub engine_version: String,
    pub allocated_storage: i64,
    /// `available`.
    pub status: String,
    pub snapshot_type: String,
    pub percent_progress: i64,
    pub master_username: String,
    pub encrypted: bool,
    pub tag_list: Vec<Tag>,
}
