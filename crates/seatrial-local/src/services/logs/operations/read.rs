//! Reading events: one stream by position, or a whole group by time.

use serde::{Deserialize, Serialize};

use super::super::pattern::Pattern;
use super::super::store::{Event, LogStore, Stream, lock};
use super::{group_name, stream_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// AWS's limit of events in one answer.
const MOST_EVENTS: usize = 10_000;
/// And of bytes.
const MOST_BYTES: usize = 1_048_576;

/// Reads a stream, from its end unless `start_from_head`. A forward token that comes back unchanged says
/// that there is nothing newer yet.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GetLogEvents {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_name: String,
    /// Milliseconds since 1970, the first that counts.
    pub start_time: Option<i64>,
    /// Milliseconds since 1970, the first that no longer counts.
    pub end_time: Option<i64>,
    pub next_token: Option<String>,
    pub limit: Option<usize>,
    pub start_from_head: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetLogEventsOutput {
    pub events: Vec<OutputLogEvent>,
    pub next_forward_token: String,
    pub next_backward_token: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutputLogEvent {
    pub timestamp: i64,
    pub message: String,
    pub ingestion_time: i64,
}

impl Operation for GetLogEvents {
    type Output = GetLogEventsOutput;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "GetLogEvents";

    fn resource(&self, cloud: &Cloud) -> String {
        let group = group_name(self.log_group_name.as_deref(), self.log_group_identifier.as_deref());
        stream_arn(cloud, &group.unwrap_or_default(), &self.log_stream_name)
    }

    async fn handle(self, call: &Call) -> Result<GetLogEventsOutput, ServiceError> {
        let group = group_name(self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        let store = call.cloud.part::<LogStore>();
        let events = store.events(&store.stream(&group, &self.log_stream_name)?)?;
        let events = lock(&events);
        let counts = |event: &&Event| in_range(event, self.start_time, self.end_time);
        let limit = self.limit.unwrap_or(MOST_EVENTS).min(MOST_EVENTS);
        let end = events.list.len();
        let (forward, position) = match &self.next_token {
            Some(token) => position(token, end)?,
            None if self.start_from_head == Some(true) => (true, 0),
            None => (false, end),
        };
        let numbered = || events.list.iter().enumerate();
        let mut chosen: Vec<(usize, &Event)> = if forward {
            fitting(numbered().skip(position).filter(|(_, event)| counts(event)), limit)
        } else {
            fitting(numbered().take(position).rev().filter(|(_, event)| counts(event)), limit)
        };
        if !forward {
            chosen.reverse();
        }
        let next = chosen.last().map_or(position, |(index, _)| index + 1);
        let previous = chosen.first().map_or(position, |(index, _)| *index);
        Ok(GetLogEventsOutput {
            events: chosen.into_iter().map(|(_, event)| output(event)).collect(),
            next_forward_token: format!("f/{next:056}/s"),
            next_backward_token: format!("b/{previous:056}/s"),
        })
    }
}

fn output(event: &Event) -> OutputLogEvent {
    let Event { timestamp, ingested, message } = event.clone();
    OutputLogEvent { timestamp, message, ingestion_time: ingested }
}

fn in_range(event: &Event, start: Option<i64>, end: Option<i64>) -> bool {
    start.is_none_or(|start| event.timestamp >= start) && end.is_none_or(|end| event.timestamp < end)
}

/// As many as fit into one answer.
fn fitting<'a>(events: impl Iterator<Item = (usize, &'a Event)>, limit: usize) -> Vec<(usize, &'a Event)> {
    let mut room = MOST_BYTES;
    let fits = |event: &Event| {
        let rest = room.checked_sub(event.message.len() + 26);
        room = rest.unwrap_or(0);
        rest.is_some()
    };
    let mut fits = fits;
    events.take(limit).take_while(|(_, event)| fits(event)).collect()
}

/// Direction and position in a token; positions past the end count as the end.
fn position(token: &str, end: usize) -> Result<(bool, usize), ServiceError> {
    let parse = || {
        let (direction, rest) = token.split_once('/')?;
        let position: usize = rest.trim_end_matches("/s").parse().ok()?;
        match direction {
            "f" => Some((true, position.min(end))),
            "b" => Some((false, position.min(end))),
            _ => None,
        }
    };
    parse()
        .ok_or_else(|| ServiceError::new("InvalidParameterException", "The specified nextToken is invalid."))
}

/// Finds lines in the streams of a group, oldest first.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FilterLogEvents {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_names: Option<Vec<String>>,
    pub log_stream_name_prefix: Option<String>,
    pub start_time: Option<i64>,
    pub end_time: Option<i64>,
    pub filter_pattern: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FilterLogEventsOutput {
    pub events: Vec<FilteredLogEvent>,
    pub searched_log_streams: Vec<()>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FilteredLogEvent {
    pub log_stream_name: String,
    pub timestamp: i64,
    pub message: String,
    pub ingestion_time: i64,
    /// Unique in the group and always the same for one event: followers drop what they saw by it.
    pub event_id: String,
}

impl Operation for FilterLogEvents {
    type Output = FilterLogEventsOutput;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "FilterLogEvents";

    fn resource(&self, cloud: &Cloud) -> String {
        let group = group_name(self.log_group_name.as_deref(), self.log_group_identifier.as_deref());
        stream_arn(cloud, &group.unwrap_or_default(), "")
    }

    async fn handle(self, call: &Call) -> Result<FilterLogEventsOutput, ServiceError> {
        let group = group_name(self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        let store = call.cloud.part::<LogStore>();
        store.group(&group)?;
        let pattern = Pattern::parse(self.filter_pattern.as_deref().unwrap_or_default())?;
        let prefix = self.log_stream_name_prefix.as_deref().unwrap_or_default();
        let mut found = Vec::new();
        for stream in store.streams_of(&group, prefix) {
            if self.log_stream_names.as_ref().is_some_and(|names| !names.contains(&stream.name)) {
                continue;
            }
            let events = store.events(&stream)?;
            let events = lock(&events);
            let matching = events.list.iter().enumerate().filter(|(_, event)| {
                in_range(event, self.start_time, self.end_time) && pattern.matches(&event.message)
            });
            found.extend(matching.map(|(index, event)| filtered(&stream, index, event)));
        }
        found.sort_by_key(|event: &FilteredLogEvent| event.timestamp);
        let limit = self.limit.unwrap_or(MOST_EVENTS).min(MOST_EVENTS);
        let (events, next_token) = super::page(found, self.next_token.as_deref(), limit)?;
        Ok(FilterLogEventsOutput { events, searched_log_streams: Vec::new(), next_token })
    }
}

fn filtered(stream: &Stream, index: usize, event: &Event) -> FilteredLogEvent {
    let digest = u32::from_str_radix(&crate::id::digits_of(&stream.name, 8), 16).unwrap_or_default();
    FilteredLogEvent {
        log_stream_name: stream.name.clone(),
        timestamp: event.timestamp,
        message: event.message.clone(),
        ingestion_time: event.ingested,
        event_id: format!("{:020}{:012}{digest:010}", event.timestamp, index),
    }
}
