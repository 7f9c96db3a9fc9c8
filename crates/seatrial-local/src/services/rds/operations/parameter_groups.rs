//! Parameter groups: kept, and without effect on the server.

use serde::{Deserialize, Serialize};

use super::Nothing;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::rds::shapes::{DbParameterGroup, Parameter};
use crate::services::rds::store::{InstanceRow, ParameterGroupRow, RdsStore};
use crate::tags::Tag;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateDbParameterGroup {
    #[serde(rename = "DBParameterGroupName")]
    pub name: String,
    #[serde(rename = "DBParameterGroupFamily")]
    pub family: String,
    pub description: String,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
pub(crate) struct ParameterGroupOutput {
    #[serde(rename = "DBParameterGroup")]
    pub group: DbParameterGroup,
}

impl Operation for CreateDbParameterGroup {
    type Output = ParameterGroupOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "CreateDBParameterGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<ParameterGroupOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let name = self.name.to_ascii_lowercase();
        if !self.family.starts_with("postgres") {
            let message =
                format!("ParameterGroupFamily {} is not a valid parameter group family", self.family);
            return Err(ServiceError::new("InvalidParameterValue", message));
        }
        let group = DbParameterGroup {
            arn: arn(&call.cloud, &name),
            name: name.clone(),
            family: self.family,
            description: self.description,
        };
        let row = ParameterGroupRow { group, parameters: Vec::new(), tags: self.tags };
        if !store.parameter_groups.insert_new(&name, &row)? {
            let message = format!("Parameter group {name} already exists");
            return Err(ServiceError::new("DBParameterGroupAlreadyExists", message));
        }
        Ok(ParameterGroupOutput { group: row.group })
    }
}

fn arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("rds", &format!("pg:{}", name.to_ascii_lowercase()))
}

fn not_found(name: &str) -> ServiceError {
    ServiceError::new("DBParameterGroupNotFound", format!("DBParameterGroup not found: {name}"))
        .with_status(404)
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ModifyDbParameterGroup {
    #[serde(rename = "DBParameterGroupName")]
    pub name: String,
    pub parameters: Vec<Parameter>,
}

#[derive(Serialize)]
pub(crate) struct ModifyDbParameterGroupOutput {
    #[serde(rename = "DBParameterGroupName")]
    pub name: String,
}

impl Operation for ModifyDbParameterGroup {
    type Output = ModifyDbParameterGroupOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "ModifyDBParameterGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<ModifyDbParameterGroupOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let name = self.name.to_ascii_lowercase();
        let changed = store.parameter_groups.update(&name, |row| {
            let is_new = |old: &Parameter| {
                self.parameters.iter().all(|parameter| parameter.parameter_name != old.parameter_name)
            };
            row.parameters.retain(is_new);
            row.parameters.extend(self.parameters.iter().cloned());
        })?;
        changed.ok_or_else(|| not_found(&name))?;
        Ok(ModifyDbParameterGroupOutput { name })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(default)]
pub(crate) struct DescribeDbParameterGroups {
    #[serde(rename = "DBParameterGroupName")]
    pub name: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct DescribeDbParameterGroupsOutput {
    #[serde(rename = "DBParameterGroups")]
    pub groups: Vec<DbParameterGroup>,
}

impl Operation for DescribeDbParameterGroups {
    type Output = DescribeDbParameterGroupsOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DescribeDBParameterGroups";

    async fn handle(self, call: &Call) -> Result<DescribeDbParameterGroupsOutput, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let rows = match self.name {
            Some(name) => {
                let found = store.parameter_groups.get(&name.to_ascii_lowercase());
                vec![found.ok_or_else(|| not_found(&name))?]
            }
            None => store.parameter_groups.values(),
        };
        Ok(DescribeDbParameterGroupsOutput { groups: rows.into_iter().map(|row| row.group).collect() })
    }
}

/// Answers the parameters that somebody has set, as with `Source: user`: an engine's own defaults are not kept.
#[derive(Deserialize, Serialize)]
pub(crate) struct DescribeDbParameters {
    #[serde(rename = "DBParameterGroupName")]
    pub name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeDbParametersOutput {
    pub parameters: Vec<Parameter>,
}

impl Operation for DescribeDbParameters {
    type Output = DescribeDbParametersOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DescribeDBParameters";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<DescribeDbParametersOutput, ServiceError> {
        let found = call.cloud.part::<RdsStore>().parameter_groups.get(&self.name.to_ascii_lowercase());
        let row = found.ok_or_else(|| not_found(&self.name))?;
        Ok(DescribeDbParametersOutput { parameters: row.parameters })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct DeleteDbParameterGroup {
    #[serde(rename = "DBParameterGroupName")]
    pub name: String,
}

impl Operation for DeleteDbParameterGroup {
    type Output = Nothing;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "DeleteDBParameterGroup";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        let name = self.name.to_ascii_lowercase();
        let uses = |row: &InstanceRow| row.instance.parameter_groups.iter().any(|group| group.name == name);
        if store.instances.find(uses).is_some() {
            return Err(ServiceError::new(
                "InvalidDBParameterGroupState",
                format!(
                    "One or more database instances are still members of this parameter group {name}, so \
                         the group cannot be deleted"
                ),
            ));
        }
        store.parameter_groups.remove(&name)?.ok_or_else(|| not_found(&name))?;
        Ok(Nothing {})
    }
}
