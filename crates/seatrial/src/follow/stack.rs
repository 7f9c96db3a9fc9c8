//! Follows one stack operation to its end by its events.

use std::time::Duration;

use super::{Look, Watch};
use crate::aws::StackEvent;
use crate::aws::status::resource_failed;
use crate::output::{Event, What};

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
    watch: Watch<'_>,
    (name, id): (&str, &str),
    mut last: Option<String>,
) -> anyhow::Result<StackEnd> {
    let mut poll = watch.poll(format!("the operation on stack `{name}`"), PATIENCE);
    let mut events: Vec<StackEvent> = Vec::new();
    let status = poll
        .until(async || {
            let new = watch.aws.stack_events_after(id, last.as_deref()).await?;
            let Some(newest) = new.last() else { return Ok(Look::Nothing) };
            last = Some(newest.id.clone());
            new.iter().for_each(|event| watch.session.printer.tell(told(name, event)));
            events.extend(new);
            let end = events.last().filter(|event| event.physical_id == id && at_rest(&event.status));
            Ok(end.map_or(Look::News, |end| Look::Ended(end.status.clone())))
        })
        .await?;
    Ok(StackEnd { status, events })
}

fn told(stack: &str, event: &StackEvent) -> Event {
    let what = What::Resource {
        logical_id: event.logical_id.clone(),
        resource_type: event.resource_type.clone(),
        status: event.status.clone(),
        reason: event.reason.clone(),
    };
    Event::new(event.time, stack, what)
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
            time: None,
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
