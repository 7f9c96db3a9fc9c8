//! Batches of a build's log, put into its log stream with the build's role.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::super::store::LogsLocation;
use super::log::{Line, Sink};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::principal::Principal;
use crate::retry;
use crate::services::logs::{CreateLogGroup, CreateLogStream, InputLogEvent, PutLogEvents};

/// Where a build's lines go; nowhere if its logs are disabled.
pub(super) struct LogStream {
    cloud: Cloud,
    principal: Principal,
    /// Group and stream; `None` once the service has refused them.
    place: Option<(String, String)>,
    refused: Refused,
}

/// Why lines were lost, where they were.
pub(super) type Refused = Arc<OnceLock<String>>;

impl LogStream {
    /// Makes the stream before anything is run.
    ///
    /// # Errors
    /// Those of CloudWatch Logs: a build whose role may not make it fails (as aws/aws-cdk#12179 quotes CodeBuild).
    pub async fn open(
        cloud: &Cloud,
        principal: &Principal,
        logs: &LogsLocation,
    ) -> Result<(Self, Refused), ServiceError> {
        let place = logs.group_name.clone().zip(logs.stream_name.clone());
        let refused = Refused::default();
        let stream =
            Self { cloud: cloud.clone(), principal: principal.clone(), place, refused: refused.clone() };
        if let Some((group, name)) = &stream.place {
            stream.make(group, name).await?;
        }
        Ok((stream, refused))
    }

    async fn call<O: Operation + Clone>(&self, input: O) -> Result<(), ServiceError> {
        retry::call(&self.cloud, &self.principal, input).await.map(|_| ())
    }

    /// Makes the stream, and the group where there is none.
    async fn make(&self, group: &str, stream: &str) -> Result<(), ServiceError> {
        let input = CreateLogStream { log_group_name: group.to_owned(), log_stream_name: stream.to_owned() };
        match self.call(input.clone()).await {
            Err(error) if error.code == "ResourceNotFoundException" => {
                self.call(CreateLogGroup {
                    log_group_name: group.to_owned(),
                    tags: BTreeMap::new(),
                    kms_key_id: None,
                })
                .await?;
                self.call(input).await
            }
            Err(error) if error.code == "ResourceAlreadyExistsException" => Ok(()),
            result => result,
        }
    }

    async fn put(&mut self, lines: Vec<Line>) -> Result<(), ServiceError> {
        let Some((group, stream)) = self.place.clone() else { return Ok(()) };
        let event = |line: Line| InputLogEvent {
            timestamp: (line.time.0 * 1000.0) as i64,
            message: format!("{}\n", line.text),
        };
        let log_events = lines.into_iter().map(event).collect();
        self.call(PutLogEvents { log_group_name: group, log_stream_name: stream, log_events }).await
    }
}

impl Sink for LogStream {
    async fn send(&mut self, lines: Vec<Line>) {
        if let Err(error) = self.put(lines).await {
            tracing::warn!(place = ?self.place, %error, "a build's log lines were lost");
            // What is no passing trouble stays: a missing permission. What AWS does then is not known: the build is
            // ended, and fails.
            self.place = None;
            let _ = self.refused.set(error.to_string());
        }
    }
}
