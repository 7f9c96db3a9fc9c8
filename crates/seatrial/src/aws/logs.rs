//! CloudWatch Logs: reading a stream from where one left off, and looking through a group.

use jiff::Timestamp;

use super::Aws;
use super::error::{Attempt as _, AwsError};

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub time: Option<Timestamp>,
    pub text: String,
}

/// Lines of a log stream, and where the next ones begin.
#[derive(Debug, Default)]
pub(crate) struct LogPage {
    pub lines: Vec<LogLine>,
    pub next: Option<String>,
}

/// What is looked for in a log group.
#[derive(Debug, Clone)]
pub(crate) struct LogQuery {
    pub group: String,
    /// How the names of the streams begin; `None` for all.
    pub streams: Option<String>,
    /// A filter pattern of CloudWatch's.
    pub pattern: Option<String>,
    /// The first moment that counts, in milliseconds since 1970.
    pub since: i64,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundLine {
    /// Always the same for the same line.
    pub id: String,
    pub stream: String,
    /// In milliseconds since 1970.
    pub millis: i64,
    pub text: String,
}

const SERVICE: &str = "CloudWatch Logs";

impl Aws {
    /// A page of the lines that were asked for, oldest first, and the token of the next. A page may be empty although
    /// others follow (CloudWatch Logs API, FilterLogEvents).
    pub(crate) async fn filter_log_events(
        &self,
        query: &LogQuery,
        token: Option<String>,
    ) -> Result<(Vec<FoundLine>, Option<String>), AwsError> {
        let request = self
            .cloudwatchlogs()
            .filter_log_events()
            .log_group_name(&query.group)
            .set_log_stream_name_prefix(query.streams.clone())
            .set_filter_pattern(query.pattern.clone())
            .start_time(query.since)
            .set_next_token(token);
        let answer = request.send().await;
        let answer =
            answer.attempt(SERVICE, || format!("filter the events of log group `{}`", query.group))?;
        let found = answer.events.unwrap_or_default().into_iter().filter_map(|event| {
            Some(FoundLine {
                id: event.event_id.unwrap_or_default(),
                stream: event.log_stream_name.unwrap_or_default(),
                millis: event.timestamp.unwrap_or_default(),
                text: event.message?,
            })
        });
        Ok((found.collect(), answer.next_token))
    }

    /// The last lines of a stream, at most so many. A stream that is not there has none.
    pub(crate) async fn last_log_lines(
        &self,
        (group, stream): (&str, &str),
        count: i32,
    ) -> Result<Vec<LogLine>, AwsError> {
        let request = self.cloudwatchlogs().get_log_events().log_group_name(group).log_stream_name(stream);
        let answer = request.start_from_head(false).limit(count).send().await;
        let attempt = || format!("get the events of log stream `{stream}` in `{group}`");
        match answer.attempt(SERVICE, attempt) {
            Ok(answer) => Ok(answer.events.unwrap_or_default().into_iter().filter_map(line).collect()),
            Err(error) if error.is("ResourceNotFoundException") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The lines after `token`; from the stream's head without one. A stream that is not there yet is empty.
    pub(crate) async fn get_log_events(
        &self,
        group: &str,
        stream: &str,
        token: Option<String>,
    ) -> Result<LogPage, AwsError> {
        let answer = self
            .cloudwatchlogs()
            .get_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .start_from_head(true)
            .set_next_token(token.clone())
            .send()
            .await
            .attempt(SERVICE, || format!("get the events of log stream `{stream}` in `{group}`"));
        match answer {
            Ok(answer) => Ok(LogPage {
                lines: answer.events.unwrap_or_default().into_iter().filter_map(line).collect(),
                next: answer.next_forward_token,
            }),
            Err(error) if error.is("ResourceNotFoundException") => {
                Ok(LogPage { lines: Vec::new(), next: token })
            }
            Err(error) => Err(error),
        }
    }
}

fn line(event: aws_sdk_cloudwatchlogs::types::OutputLogEvent) -> Option<LogLine> {
    let time = event.timestamp.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    Some(LogLine { time, text: event.message? })
}
