//! Batches of a build's log, put into its log stream with the build's role.

use serde_json::json;

use super::super::store::LogsLocation;
use super::log::{Line, Sink};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::retry;

/// Where a build's lines go; nowhere if its logs are disabled.
pub(super) struct LogStream {
    cloud: Cloud,
    principal: Principal,
    /// Group and stream; `None` once the service has refused them.
    place: Option<(String, String)>,
    made: bool,
}

impl LogStream {
    pub fn new(cloud: &Cloud, principal: &Principal, logs: &LogsLocation) -> Self {
        let place = logs.group_name.clone().zip(logs.stream_name.clone());
        Self { cloud: cloud.clone(), principal: principal.clone(), place, made: false }
    }

    async fn call(&self, operation: &'static str, input: serde_json::Value) -> Result<(), ServiceError> {
        retry::dispatch(&self.cloud, &self.principal, ("logs", operation), input).await.map(|_| ())
    }

    /// Makes the stream, and the group where there is none.
    async fn make(&self, group: &str, stream: &str) -> Result<(), ServiceError> {
        let names = json!({ "logGroupName": group, "logStreamName": stream });
        match self.call("CreateLogStream", names.clone()).await {
            Err(error) if error.code == "ResourceNotFoundException" => {
                self.call("CreateLogGroup", json!({ "logGroupName": group })).await?;
                self.call("CreateLogStream", names).await
            }
            Err(error) if error.code == "ResourceAlreadyExistsException" => Ok(()),
            result => result,
        }
    }

    async fn put(&mut self, lines: Vec<Line>) -> Result<(), ServiceError> {
        let Some((group, stream)) = self.place.clone() else { return Ok(()) };
        if !self.made {
            self.make(&group, &stream).await?;
            self.made = true;
        }
        let event = |line: Line| {
            let milliseconds = (line.time.0 * 1000.0) as i64;
            json!({ "timestamp": milliseconds, "message": format!("{}\n", line.text) })
        };
        let events: Vec<_> = lines.into_iter().map(event).collect();
        let input = json!({ "logGroupName": group, "logStreamName": stream, "logEvents": events });
        self.call("PutLogEvents", input).await
    }
}

impl Sink for LogStream {
    async fn send(&mut self, lines: Vec<Line>) {
        if let Err(error) = self.put(lines).await {
            tracing::warn!(place = ?self.place, %error, "a build's log lines were lost");
            // What is no passing trouble stays: a missing permission. A build goes on without a log.
            self.place = None;
        }
    }
}
