//! Writing events.

use serde::{Deserialize, Serialize};

use super::super::store::{Event, LogStore, lock};
use super::{now, stream_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// AWS's limits of one call.
const MOST_EVENTS: usize = 10_000;
const MOST_BYTES: usize = 1_048_576;
/// Two hours into the future, in milliseconds: newer events are rejected.
const FUTURE: i64 = 2 * 3600 * 1000;
/// Fourteen days: older events are rejected.
const PAST: i64 = 14 * 24 * 3600 * 1000;

/// Appends lines to a stream. At most 10,000 events and 1 MiB a call.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutLogEvents {
    pub log_group_name: String,
    pub log_stream_name: String,
    pub log_events: Vec<InputLogEvent>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InputLogEvent {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutLogEventsOutput {
    pub next_sequence_token: String,
    pub rejected_log_events_info: Option<RejectedLogEventsInfo>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RejectedLogEventsInfo {
    pub too_new_log_event_start_index: Option<usize>,
    pub too_old_log_event_end_index: Option<usize>,
}

impl Operation for PutLogEvents {
    type Output = PutLogEventsOutput;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "PutLogEvents";

    fn resource(&self, cloud: &Cloud) -> String {
        stream_arn(cloud, &self.log_group_name, &self.log_stream_name)
    }

    async fn handle(self, call: &Call) -> Result<PutLogEventsOutput, ServiceError> {
        let store = call.cloud.part::<LogStore>();
        let stream = store.stream(&self.log_group_name, &self.log_stream_name)?;
        check(&self.log_events)?;
        let ingested = now(&call.cloud);
        let too_new = self.log_events.iter().position(|event| event.timestamp > ingested + FUTURE);
        let too_old = self.log_events.iter().rposition(|event| event.timestamp < ingested - PAST);
        let kept = self.log_events.into_iter().take(too_new.unwrap_or(usize::MAX));
        let kept = kept.skip(too_old.map_or(0, |index| index + 1)).map(|event| Event {
            timestamp: event.timestamp,
            ingested,
            message: event.message,
        });
        let kept: Vec<Event> = kept.collect();
        let events = store.events(&stream)?;
        // Before it is locked, for what was there is read at the first time.
        store.note(&stream, &kept);
        let mut events = lock(&events);
        events.append(kept)?;
        let rejected = (too_new.is_some() || too_old.is_some()).then_some(RejectedLogEventsInfo {
            too_new_log_event_start_index: too_new,
            too_old_log_event_end_index: too_old,
        });
        let next_sequence_token = format!("{:056}", events.list.len());
        Ok(PutLogEventsOutput { next_sequence_token, rejected_log_events_info: rejected })
    }
}

fn check(events: &[InputLogEvent]) -> Result<(), ServiceError> {
    let refused = |message: &str| Err(ServiceError::new("InvalidParameterException", message));
    if events.is_empty() || events.len() > MOST_EVENTS {
        return refused("Log events in a single PutLogEvents request must number from 1 to 10000.");
    }
    if events.iter().map(|event| event.message.len() + 26).sum::<usize>() > MOST_BYTES {
        return refused("Upload too large: more than 1048576 bytes.");
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return refused("Log events in a single PutLogEvents request must be in chronological order.");
    }
    Ok(())
}
