//! A task's log stream, told line by line as it grows.

use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata as _;
use seatrial_project::task_definition::{CONTAINER, TaskDefinition};

use crate::report::Report;

const GROUP: &str = "awslogs-group";
/// What the name of the stream begins with.
pub(super) const STREAM_PREFIX: &str = "awslogs-stream-prefix";

/// Where the application's container writes, and how far it was read.
#[derive(Default)]
pub(super) struct TaskLog {
    /// Group, and the stream without the task's id. `None`: nobody keeps its lines, or we may not read them.
    place: Option<(String, String)>,
    token: Option<String>,
    told: bool,
}

impl TaskLog {
    pub(super) fn of(definition: &TaskDefinition) -> Self {
        let containers = definition.container_definitions.iter();
        let log = containers
            .filter(|found| found.name == CONTAINER)
            .find_map(|found| found.log_configuration.as_ref());
        let options = log.filter(|log| log.log_driver == "awslogs").and_then(|log| log.options.as_ref());
        let place = options.and_then(|options| {
            // PREFIX/CONTAINER/TASK (ECS developer guide, "Send Amazon ECS logs to CloudWatch").
            Some((options.get(GROUP)?.clone(), format!("{}/{CONTAINER}", options.get(STREAM_PREFIX)?)))
        });
        Self { place, ..Self::default() }
    }

    /// Whether there was a line yet.
    pub(super) fn has_told(&self) -> bool {
        self.told
    }

    /// Tells what is new; whether anything was. A log that cannot be read is told once: how the task ended is known
    /// without it.
    pub(super) async fn tell(
        &mut self,
        logs: &aws_sdk_cloudwatchlogs::Client,
        task: &str,
        report: Report<'_>,
    ) -> bool {
        let mut news = false;
        while let Some((group, stream)) = &self.place {
            let events =
                logs.get_log_events().log_group_name(group).log_stream_name(format!("{stream}/{task}"));
            let page = events.start_from_head(true).set_next_token(self.token.clone()).send().await;
            let page = match page {
                Ok(page) => page,
                // The stream is made when the task starts.
                Err(error) if error.code() == Some("ResourceNotFoundException") => break,
                Err(error) => {
                    let words = error.message().or(error.code()).unwrap_or("no answer").to_owned();
                    report(&format!("the task's log cannot be read: {words}"));
                    self.place = None;
                    break;
                }
            };
            for event in page.events.unwrap_or_default() {
                news = true;
                for line in event.message.unwrap_or_default().trim_end().lines() {
                    report(&format!("| {line}"));
                }
            }
            // The last page's token is answered again.
            if page.next_forward_token == self.token {
                break;
            }
            self.token = page.next_forward_token;
        }
        self.told |= news;
        news
    }
}
