//! The awslogs driver: a container's output goes to CloudWatch Logs under the execution role.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::runtime::lines::Line;
use crate::services::ecs::definition::LogConfiguration;
use crate::services::logs::{CreateLogGroup, CreateLogStream, InputLogEvent, PutLogEvents};

/// Lines that wait for the log stream; a container that writes faster is slowed down.
const BUFFER: usize = 4096;
/// Lines that are enough for a call; one takes twice as many at the most.
const BATCH: usize = 500;
/// Between two calls, unless so many lines wait: one for each request of a user would be most of all calls under load.
const PAUSE: Duration = Duration::from_millis(250);

/// The log stream `PREFIX/CONTAINER/TASK` of a container.
pub(super) struct LogStream {
    group: String,
    stream: String,
}

impl LogStream {
    /// Makes the log stream. `None`: the container's output goes nowhere.
    pub(super) async fn create(
        cloud: &Cloud,
        principal: &Principal,
        configuration: Option<&LogConfiguration>,
        (container, task_id): (&str, &str),
    ) -> Result<Option<Self>, ServiceError> {
        let Some(configuration) = configuration.filter(|found| found.log_driver == "awslogs") else {
            return Ok(None);
        };
        let option = |name: &str| configuration.options.get(name).and_then(Value::as_str).unwrap_or_default();
        let group = option("awslogs-group").to_owned();
        let stream = format!("{}/{container}/{task_id}", option("awslogs-stream-prefix"));
        if option("awslogs-create-group") == "true" {
            let input =
                CreateLogGroup { log_group_name: group.clone(), tags: BTreeMap::new(), kms_key_id: None };
            match cloud.call(principal, input).await {
                Err(error) if error.code != "ResourceAlreadyExistsException" => return Err(error),
                _ => {}
            }
        }
        let input = CreateLogStream { log_group_name: group.clone(), log_stream_name: stream.clone() };
        match cloud.call(principal, input).await {
            Err(error) if error.code != "ResourceAlreadyExistsException" => Err(error),
            _ => Ok(Some(Self { group, stream })),
        }
    }
}

/// Where a container's output goes, and the task that carries it there.
pub(super) fn carry(
    cloud: &Cloud,
    principal: Principal,
    stream: Option<LogStream>,
) -> (mpsc::Sender<Line>, Option<JoinHandle<()>>) {
    let (sender, receiver) = mpsc::channel(BUFFER);
    let carrier = stream.map(|stream| tokio::spawn(put_lines(cloud.clone(), principal, stream, receiver)));
    (sender, carrier)
}

async fn put_lines(cloud: Cloud, principal: Principal, to: LogStream, mut lines: mpsc::Receiver<Line>) {
    let mut batch = Vec::with_capacity(BATCH);
    while !batch.is_empty() || lines.recv_many(&mut batch, BATCH).await > 0 {
        let log_events: Vec<_> = batch
            .drain(..)
            // An event must have a text.
            .filter(|line| !line.text.is_empty())
            .map(|line| InputLogEvent { timestamp: (line.time.0 * 1000.0) as i64, message: line.text })
            .collect();
        if log_events.is_empty() {
            continue;
        }
        let input =
            PutLogEvents { log_group_name: to.group.clone(), log_stream_name: to.stream.clone(), log_events };
        if let Err(error) = cloud.call(&principal, input).await {
            tracing::warn!(%error, stream = to.stream, "lines of a container are lost");
        }
        let next = tokio::time::timeout(PAUSE, async {
            while batch.len() < BATCH && lines.recv_many(&mut batch, BATCH).await > 0 {}
        });
        // Out of time is the usual case; a container that has ended is not waited for.
        let _ = next.await;
    }
}
