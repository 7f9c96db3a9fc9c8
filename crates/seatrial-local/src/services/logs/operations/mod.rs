//! The operations of CloudWatch Logs, by what they act on.

mod events;
mod groups;
mod keys;
mod read;
mod streams;
mod tags;

pub(crate) use events::*;
pub(crate) use groups::{
    CreateLogGroup, DeleteLogGroup, DeleteRetentionPolicy, DescribeLogGroups, PutRetentionPolicy,
};
pub(crate) use keys::{AssociateKmsKey, DisassociateKmsKey};
pub(crate) use read::{FilterLogEvents, GetLogEvents};
pub(crate) use streams::{CreateLogStream, DeleteLogStream, DescribeLogStreams};
pub(crate) use tags::{ListTagsForResource, TagResource, UntagResource};

use crate::cloud::Cloud;
use crate::error::ServiceError;

/// The name in a `logGroupIdentifier`, which is a name or an ARN with or without `:*`.
fn group_name(name: Option<&str>, identifier: Option<&str>) -> Result<String, ServiceError> {
    let Some(given) = name.or(identifier) else {
        return Err(ServiceError::new(
            "InvalidParameterException",
            "Exactly one of logGroupName or logGroupIdentifier must be specified.",
        ));
    };
    let tail = match given.strip_prefix("arn:") {
        Some(_) => given.split_once(":log-group:").map_or(given, |(_, tail)| tail),
        None => given,
    };
    Ok(tail.strip_suffix(":*").unwrap_or(tail).to_owned())
}

/// The ARN policies judge: AWS always asks for a stream, an empty one where the whole group is meant.
fn stream_arn(cloud: &Cloud, group: &str, stream: &str) -> String {
    cloud.arn("logs", &format!("log-group:{group}:log-stream:{stream}"))
}

/// Milliseconds since 1970.
pub(super) fn now(cloud: &Cloud) -> i64 {
    (cloud.clock().now().0 * 1000.0) as i64
}

/// A page of `items` from the offset that `token` names, and the token of the next.
fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    limit: usize,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    crate::page::page(items, token, limit)
        .map_err(|_| ServiceError::new("InvalidParameterException", "The specified nextToken is invalid."))
}
