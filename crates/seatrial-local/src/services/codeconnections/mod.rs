//! CodeConnections: connections to a Git host, PENDING until a person has completed the handshake.
//!
//! Here the handshake is one request, `POST /_local/connections/ID/complete`, or [`complete`] in process.

mod operations;
mod store;

pub(crate) use operations::{
    CreateConnection, DeleteConnection, GetConnection, ListConnections, ListTagsForResource, TagResource,
    UntagResource, UseConnection,
};
pub(crate) use store::Status;

use store::{CodeConnections, ConnectionRow};

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateConnection>();
    operations.add::<DeleteConnection>();
    operations.add::<GetConnection>();
    operations.add::<ListConnections>();
    operations.add::<ListTagsForResource>();
    operations.add::<TagResource>();
    operations.add::<UntagResource>();
}

/// An available connection of this ARN, which is there by that alone.
///
/// # Errors
/// It is no ARN of a connection, or one is there.
pub(crate) fn stand_in(cloud: &Cloud, arn: &str) -> Result<(), ServiceError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, "codeconnections" | "codestar-connections", _, account, id] = parts[..] else {
        let message = format!("`{arn}` is no ARN of a connection.");
        return Err(ServiceError::new("ValidationException", message));
    };
    let row = ConnectionRow {
        connection_arn: arn.to_owned(),
        connection_name: id.rsplit('/').next().unwrap_or(id).to_owned(),
        provider_type: "GitHub".to_owned(),
        owner_account_id: account.to_owned(),
        connection_status: Status::Available,
        tags: Vec::new(),
    };
    match cloud.part::<CodeConnections>().connections.insert_new(arn, &row)? {
        true => Ok(()),
        false => Err(ServiceError::new("ConflictException", format!("Connection {arn} is there already."))),
    }
}

/// What a person does in the console: the connection, by ARN or by its id, becomes AVAILABLE.
pub(crate) fn complete(cloud: &Cloud, connection: &str) -> Result<(), ServiceError> {
    let arn = match connection.starts_with("arn:") {
        true => connection.to_owned(),
        false => cloud.arn("codeconnections", &format!("connection/{connection}")),
    };
    let completed = cloud.part::<CodeConnections>().connections.update(&arn, |connection| {
        connection.connection_status = Status::Available;
    })?;
    completed.ok_or_else(|| operations::no_connection(&arn))
}
