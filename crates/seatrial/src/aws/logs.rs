//! CloudWatch Logs: reading a stream from where one left off.

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

impl Aws {
    /// The last lines of a stream, at most so many. A stream that is not there has none.
    pub(crate) async fn last_log_lines(
        &self,
        (group, stream): (&str, &str),
        count: i32,
    ) -> Result<Vec<LogLine>, AwsError> {
        let request = self.cloudwatchlogs().get_log_events().log_group_name(group).log_stream_name(stream);
        let answer = request.start_from_head(false).limit(count).send().await;
        let attempt = || format!("get the events of log stream `{stream}` in `{group}`");
        match answer.attempt("CloudWatch Logs", attempt) {
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
            .attempt("CloudWatch Logs", || format!("get the events of log stream `{stream}` in `{group}`"));
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
