//! The operations of CodeConnections.

use serde::{Deserialize, Serialize};

use super::store::{CodeConnections, ConnectionRow, Status};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

/// `CreateConnection`: always PENDING.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateConnection {
    pub connection_name: String,
    pub provider_type: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateConnectionOutput {
    pub connection_arn: String,
    pub tags: Vec<Tag>,
}

impl Operation for CreateConnection {
    type Output = CreateConnectionOutput;
    const SERVICE: &'static str = "codeconnections";
    const NAME: &'static str = "CreateConnection";

    async fn handle(self, call: &Call) -> Result<CreateConnectionOutput, ServiceError> {
        let length = self.connection_name.chars().count();
        if !(1..=32).contains(&length) {
            let message = "Value at 'connectionName' failed to satisfy constraint: Member must have length less than \
                           or equal to 32";
            return Err(ServiceError::new("ValidationException", message));
        }
        let cloud = &call.cloud;
        let row = ConnectionRow {
            connection_arn: cloud.arn("codeconnections", &format!("connection/{}", crate::id::uuid())),
            connection_name: self.connection_name,
            provider_type: self.provider_type.unwrap_or_else(|| "GitHub".to_owned()),
            owner_account_id: cloud.account().to_owned(),
            connection_status: Status::Pending,
            tags: self.tags,
        };
        cloud.part::<CodeConnections>().connections.put(&row.connection_arn, &row)?;
        Ok(CreateConnectionOutput { connection_arn: row.connection_arn, tags: row.tags })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConnectionOutput {
    pub connection: Connection,
}

/// A connection as the model has it: without its tags.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Connection {
    pub connection_name: String,
    pub connection_arn: String,
    pub provider_type: String,
    pub owner_account_id: String,
    pub connection_status: Status,
}

impl From<ConnectionRow> for Connection {
    fn from(row: ConnectionRow) -> Self {
        Self {
            connection_name: row.connection_name,
            connection_arn: row.connection_arn,
            provider_type: row.provider_type,
            owner_account_id: row.owner_account_id,
            connection_status: row.connection_status,
        }
    }
}

/// `GetConnection`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetConnection {
    pub connection_arn: String,
}

impl Operation for GetConnection {
    type Output = ConnectionOutput;
    const SERVICE: &'static str = "codeconnections";
    const NAME: &'static str = "GetConnection";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.connection_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<ConnectionOutput, ServiceError> {
        Ok(ConnectionOutput { connection: find(call, &self.connection_arn)?.into() })
    }
}

/// Not of the API: what `codeconnections:UseConnection` allows a pipeline's role.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct UseConnection {
    pub connection_arn: String,
}

impl Operation for UseConnection {
    type Output = Connection;
    const SERVICE: &'static str = "codeconnections";
    const NAME: &'static str = "UseConnection";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.connection_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Connection, ServiceError> {
        find(call, &self.connection_arn).map(Connection::from)
    }
}

/// `ListConnections`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListConnections {
    pub provider_type_filter: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListConnectionsOutput {
    pub connections: Vec<Connection>,
}

impl Operation for ListConnections {
    type Output = ListConnectionsOutput;
    const SERVICE: &'static str = "codeconnections";
    const NAME: &'static str = "ListConnections";

    async fn handle(self, call: &Call) -> Result<ListConnectionsOutput, ServiceError> {
        let rows = call.cloud.part::<CodeConnections>().connections.values().into_iter();
        let wanted = |row: &ConnectionRow| {
            self.provider_type_filter.as_ref().is_none_or(|kind| *kind == row.provider_type)
        };
        Ok(ListConnectionsOutput { connections: rows.filter(wanted).map(Connection::from).collect() })
    }
}

/// `DeleteConnection`: one that is gone counts as deleted.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteConnection {
    pub connection_arn: String,
}

#[derive(Serialize)]
pub(crate) struct Nothing {}

impl Operation for DeleteConnection {
    type Output = Nothing;
    const SERVICE: &'static str = "codeconnections";
    const NAME: &'static str = "DeleteConnection";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.connection_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        find(call, &self.connection_arn)?;
        call.cloud.part::<CodeConnections>().connections.remove(&self.connection_arn)?;
        Ok(Nothing {})
    }
}

/// `ListTagsForResource`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsForResource {
    pub resource_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagsOutput {
    pub tags: Vec<Tag>,
}

impl Operation for ListTagsForResource {
    type Output = TagsOutput;
    const SERVICE: &'static str = "codeconnections";
    const NAME: &'static str = "ListTagsForResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<TagsOutput, ServiceError> {
        Ok(TagsOutput { tags: find(call, &self.resource_arn)?.tags })
    }
}

/// `TagResource`: adds tags, or replaces those of the same key.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagResource {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

impl Operation for TagResource {
    type Output = Nothing;
    const SERVICE: &'static str = "codeconnections";
    const NAME: &'static str = "TagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        change_tags(call, &self.resource_arn, |tags| tags::put(tags, self.tags))
    }
}

/// `UntagResource`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagResource {
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    type Output = Nothing;
    const SERVICE: &'static str = "codeconnections";
    const NAME: &'static str = "UntagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        change_tags(call, &self.resource_arn, |tags| tags::remove(tags, &self.tag_keys))
    }
}

fn change_tags(call: &Call, arn: &str, change: impl FnOnce(&mut Vec<Tag>)) -> Result<Nothing, ServiceError> {
    let changed =
        call.cloud.part::<CodeConnections>().connections.update(arn, |row| change(&mut row.tags))?;
    changed.map(|()| Nothing {}).ok_or_else(|| no_connection(arn))
}

fn find(call: &Call, arn: &str) -> Result<ConnectionRow, ServiceError> {
    call.cloud.part::<CodeConnections>().connections.get(arn).ok_or_else(|| no_connection(arn))
}

pub(super) fn no_connection(arn: &str) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", format!("Could not find connection {arn}"))
}
