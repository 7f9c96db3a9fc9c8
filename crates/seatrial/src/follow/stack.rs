//! Follows one stack operation to its end by its events.

use std::time::Duration;

use super::{Event, Pace, Sink};
use crate::aws::status::resource_failed;
use crate::aws::{Aws, StackEvent};

/// A database takes AWS up to half an hour.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// How an operation ended.
#[derive(Debug)]
pub(crate) struct StackEnd {
    /// The stack's status as AWS spells it.
    pub status: String,
    /// All events of the operation, oldest first.
    pub events: Vec<StackEvent>,
}

/// Tells the events of stack `id` that come after `last`, until the stack itself is at rest.
pub(crate) async fn follow_stack(
    aws: &Aws,
    (name, id): (&str, &str),
    mut last: Option<String>,
    sink: Sink<'_>,
) -> anyhow::Result<StackEnd> {
    let mut pace = Pace::new(aws.is_local(), PATIENCE);
    let mut events = Vec::new();
    loop {
        let new = aws.stack_events_after(id, last.as_deref()).await?;
        if let Some(newest) = new.last() {
            last = Some(newest.id.clone());
            pace.reset();
        }
        for event in new {
            sink(Event::Resource {
                stack: name.to_owned(),
                logical_id: event.logical_id.clone(),
                resource_type: event.resource_type.clone(),
                status: event.status.clone(),
                reason: event.reason.clone(),
            });
            events.push(event);
        }
        let end = events.last().filter(|event| event.physical_id == id && at_rest(&event.status));
        if let Some(end) = end {
            return Ok(StackEnd { status: end.status.clone(), events });
        }
        pace.pause(|| format!("the operation on stack `{name}`")).await?;
    }
}

fn at_rest(status: &str) -> bool {
    !status.ends_with("_IN_PROGRESS")
}

/// The event that everything else follows from: the oldest genuine failure.
pub(crate) fn root_cause(events: &[StackEvent]) -> Option<&StackEvent> {
    let genuine = |event: &&StackEvent| {
        let cancelled = event.reason.as_deref().is_some_and(|reason| {
            reason.contains("Resource creation cancelled") || reason.contains("Resource update cancelled")
        });
        resource_failed(&event.status) && !cancelled
    };
    events.iter().find(genuine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(logical_id: &str, status: &str, reason: &str) -> StackEvent {
        StackEvent {
            id: String::new(),
            logical_id: logical_id.to_owned(),
            physical_id: String::new(),
            resource_type: String::new(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
        }
    }

    #[test]
    fn the_root_cause_is_the_oldest_failure_that_was_not_cancelled() {
        let events = [
            event("A", "CREATE_IN_PROGRESS", ""),
            event("B", "CREATE_FAILED", "Resource creation cancelled"),
            event("C", "CREATE_FAILED", "the bucket exists"),
            event("stack", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [C, B]."),
        ];

        assert_eq!(root_cause(&events).map(|event| event.logical_id.as_str()), Some("C"));
    }
}
