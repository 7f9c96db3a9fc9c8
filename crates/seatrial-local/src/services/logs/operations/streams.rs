//! Log streams.

use serde::{Deserialize, Serialize};

use super::super::store::{LogStore, Stream, lock, stream_key};
use super::groups::Empty;
use super::{group_name, now, page, stream_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateLogStream {
    pub log_group_name: String,
    pub log_stream_name: String,
}

impl Operation for CreateLogStream {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "CreateLogStream";

    fn resource(&self, cloud: &Cloud) -> String {
        stream_arn(cloud, &self.log_group_name, &self.log_stream_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<LogStore>();
        store.group(&self.log_group_name)?;
        let key = stream_key(&self.log_group_name, &self.log_stream_name);
        let created = now(&call.cloud);
        let stream = Stream { group: self.log_group_name, name: self.log_stream_name, created };
        if !store.streams.insert_new(&key, &stream)? {
            return Err(ServiceError::new(
                "ResourceAlreadyExistsException",
                "The specified log stream already exists",
            ));
        }
        Ok(Empty {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteLogStream {
    pub log_group_name: String,
    pub log_stream_name: String,
}

impl Operation for DeleteLogStream {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "DeleteLogStream";

    fn resource(&self, cloud: &Cloud) -> String {
        stream_arn(cloud, &self.log_group_name, &self.log_stream_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<LogStore>();
        let stream = store.stream(&self.log_group_name, &self.log_stream_name)?;
        store.delete_stream(&stream)?;
        Ok(Empty {})
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DescribeLogStreams {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_name_prefix: Option<String>,
    /// `LogStreamName` (default) or `LastEventTime`.
    pub order_by: Option<String>,
    pub descending: Option<bool>,
    pub next_token: Option<String>,
    pub limit: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeLogStreamsOutput {
    pub log_streams: Vec<LogStream>,
    pub next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogStream {
    pub log_stream_name: String,
    pub creation_time: i64,
    pub first_event_timestamp: Option<i64>,
    pub last_event_timestamp: Option<i64>,
    pub last_ingestion_time: Option<i64>,
    pub upload_sequence_token: String,
    pub arn: String,
    pub stored_bytes: i64,
}

impl Operation for DescribeLogStreams {
    type Output = DescribeLogStreamsOutput;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "DescribeLogStreams";

    fn resource(&self, cloud: &Cloud) -> String {
        let group = group_name(self.log_group_name.as_deref(), self.log_group_identifier.as_deref());
        stream_arn(cloud, &group.unwrap_or_default(), "")
    }

    async fn handle(self, call: &Call) -> Result<DescribeLogStreamsOutput, ServiceError> {
        // Recorded: `test_describe_log_streams_with_log_group_identifier`.
        if self.log_group_name.is_some() && self.log_group_identifier.is_some() {
            let message = "LogGroup name and LogGroup ARN are mutually exclusive parameters.";
            return Err(ServiceError::new("ValidationException", message));
        }
        let group = group_name(self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        let store = call.cloud.part::<LogStore>();
        store.group(&group)?;
        let prefix = self.log_stream_name_prefix.as_deref().unwrap_or_default();
        let mut log_streams = Vec::new();
        for stream in store.streams_of(&group, prefix) {
            log_streams.push(describe(&call.cloud, &store, &stream)?);
        }
        if self.order_by.as_deref() == Some("LastEventTime") {
            log_streams.sort_by_key(|stream| stream.last_event_timestamp);
        }
        if self.descending == Some(true) {
            log_streams.reverse();
        }
        let limit = self.limit.unwrap_or(50).min(50);
        let (log_streams, next_token) = page(log_streams, self.next_token.as_deref(), limit)?;
        Ok(DescribeLogStreamsOutput { log_streams, next_token })
    }
}

fn describe(cloud: &Cloud, store: &LogStore, stream: &Stream) -> Result<LogStream, ServiceError> {
    let events = store.events(stream)?;
    let events = lock(&events);
    Ok(LogStream {
        log_stream_name: stream.name.clone(),
        creation_time: stream.created,
        first_event_timestamp: events.list.iter().map(|event| event.timestamp).min(),
        last_event_timestamp: events.list.iter().map(|event| event.timestamp).max(),
        last_ingestion_time: events.list.last().map(|event| event.ingested),
        // No longer checked by AWS, but clients of old read it.
        upload_sequence_token: format!("{:056}", events.list.len()),
        arn: stream_arn(cloud, &stream.group, &stream.name),
        stored_bytes: events.stored_bytes,
    })
}
