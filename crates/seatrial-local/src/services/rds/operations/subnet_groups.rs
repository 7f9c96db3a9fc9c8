//! Subnet groups: they must span two zones, as in AWS.

use serde::{Deserialize, Serialize};

use super::Nothing;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::ec2::DescribeSubnets;
use crate::services::rds::shapes::{DbSubnetGroup, Subnet, Zone};
use crate::services::rds::store::{RdsStore, SubnetGroupRow};
use crate::tags::Tag;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateDbSubnetGroup {
    #[serde(rename = "DBSubnetGroupName")]
    pub name: String,
    #[serde(rename = "DBSubnetGroupDescription")]
    pub description: String,
    pub subnet_ids: Vec<String>,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
pub(crate) struct SubnetGroupOutput {
    #[serde(rename = "DBSubnetGroup")]
    pub group: DbSubnetGroup,
}

impl Operation for CreateDbSubnetGroup {
    type Output = SubnetGroupOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "CreateDBSubnetGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<SubnetGroupOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let name = self.name.to_ascii_lowercase();
        let (vpc_id, subnets) = subnets(call, &self.subnet_ids).await?;
        let group = DbSubnetGroup {
            arn: arn(&call.cloud, &name),
            name: name.clone(),
            description: self.description,
            vpc_id,
            subnet_group_status: "Complete".to_owned(),
            subnets,
        };
        let row = SubnetGroupRow { group, tags: self.tags };
        if !store.subnet_groups.insert_new(&name, &row)? {
            let message = format!("The DB subnet group '{name}' already exists.");
            return Err(ServiceError::new("DBSubnetGroupAlreadyExists", message));
        }
        Ok(SubnetGroupOutput { group: row.group })
    }
}

fn arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("rds", &format!("subgrp:{}", name.to_ascii_lowercase()))
}

/// The subnets and their VPC. RDS refuses a group that does not cover two zones.
async fn subnets(call: &Call, ids: &[String]) -> Result<(String, Vec<Subnet>), ServiceError> {
    let answer = call.cloud.call(&call.principal, DescribeSubnets { subnet_ids: ids.to_vec() }).await;
    let found = answer.map_err(|error| ServiceError::new("InvalidSubnet", error.message))?.subnets;
    let vpc_id = found.first().map(|subnet| subnet.vpc_id.clone()).unwrap_or_default();
    let subnets: Vec<Subnet> = found
        .into_iter()
        .map(|subnet| Subnet {
            subnet_identifier: subnet.subnet_id,
            subnet_availability_zone: Zone { name: subnet.availability_zone },
            subnet_status: "Active".to_owned(),
        })
        .collect();
    let mut zones: Vec<_> =
        subnets.iter().map(|subnet| subnet.subnet_availability_zone.name.as_str()).collect();
    zones.sort_unstable();
    zones.dedup();
    if zones.len() < 2 {
        return Err(ServiceError::new(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            format!(
                "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ \
                 coverage: {}. Add subnets to cover at least 2 AZs.",
                zones.join(", ")
            ),
        ));
    }
    Ok((vpc_id, subnets))
}

fn not_found(name: &str) -> ServiceError {
    ServiceError::new("DBSubnetGroupNotFoundFault", format!("DB subnet group '{name}' does not exist."))
        .with_status(404)
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ModifyDbSubnetGroup {
    #[serde(rename = "DBSubnetGroupName")]
    pub name: String,
    #[serde(rename = "DBSubnetGroupDescription")]
    pub description: Option<String>,
    pub subnet_ids: Vec<String>,
}

impl Operation for ModifyDbSubnetGroup {
    type Output = SubnetGroupOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "ModifyDBSubnetGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<SubnetGroupOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let (vpc_id, subnets) = subnets(call, &self.subnet_ids).await?;
        let group = store.subnet_groups.update(&self.name.to_ascii_lowercase(), |row| {
            row.group.vpc_id = vpc_id;
            row.group.subnets = subnets;
            if let Some(description) = self.description {
                row.group.description = description;
            }
            row.group.clone()
        })?;
        Ok(SubnetGroupOutput { group: group.ok_or_else(|| not_found(&self.name))? })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(default)]
pub(crate) struct DescribeDbSubnetGroups {
    #[serde(rename = "DBSubnetGroupName")]
    pub name: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct DescribeDbSubnetGroupsOutput {
    #[serde(rename = "DBSubnetGroups")]
    pub groups: Vec<DbSubnetGroup>,
}

impl Operation for DescribeDbSubnetGroups {
    type Output = DescribeDbSubnetGroupsOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DescribeDBSubnetGroups";

    async fn handle(self, call: &Call) -> Result<DescribeDbSubnetGroupsOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let rows = match self.name {
            Some(name) => {
                let found = store.subnet_groups.get(&name.to_ascii_lowercase());
                vec![found.ok_or_else(|| not_found(&name))?]
            }
            None => store.subnet_groups.values(),
        };
        Ok(DescribeDbSubnetGroupsOutput { groups: rows.into_iter().map(|row| row.group).collect() })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct DeleteDbSubnetGroup {
    #[serde(rename = "DBSubnetGroupName")]
    pub name: String,
}

impl Operation for DeleteDbSubnetGroup {
    type Output = Nothing;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DeleteDBSubnetGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let name = self.name.to_ascii_lowercase();
        let uses = |row: &crate::services::rds::store::InstanceRow| {
            row.instance.subnet_group.as_ref().is_some_and(|group| group.name == name)
        };
        if let Some(row) = store.instances.find(uses) {
            return Err(ServiceError::new(
                "InvalidDBSubnetGroupStateFault",
                format!(
                    "Cannot delete the subnet group '{name}' because at least one database instance: {} is \
                     still using it.",
                    row.instance.identifier
                ),
            ));
        }
        store.subnet_groups.remove(&name)?.ok_or_else(|| not_found(&name))?;
        Ok(Nothing {})
    }
}
