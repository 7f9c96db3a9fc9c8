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

use store::CodeConnections;

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
