//! Tasks that are never there: where Fargate has no capacity for them, or the account's quota is used up, none is made
//! that could stop, and the service's events alone tell.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::aws::{AwsError, ServiceEvent};
use crate::follow::Watch;
use crate::rollout::Rollout;

/// Between two looks, and before the first: tasks are there a moment after their task set.
const PAUSE: Duration = Duration::from_secs(2);
/// ECS tries again, and may do better once.
const ENOUGH: usize = 2;
/// The words of ECS, as its users show them: `(service web, taskSet ecs-svc/1) was unable to place a task. Reason: …`, and
/// `failed to launch a task with (error …)`.
const WORDS: [&str; 2] = ["unable to place a task", "failed to launch a task"];
/// How an event names the task set that it is about.
const TASK_SET: &str = "taskSet ";

/// What was seen of the new revision's tasks that could not be placed.
#[derive(Default)]
pub(super) struct Placement {
    looked: Option<Instant>,
    /// Whoever may not read the service's events follows the release all the same.
    denied: bool,
    seen: BTreeSet<String>,
}

impl Placement {
    /// Asks for the service's events, if tasks are wanting that are not even being started; what ECS says once it has said
    /// so often enough.
    pub(super) async fn look(
        &mut self,
        watch: Watch<'_>,
        (cluster, service): (&str, &str),
        rollout: &Rollout,
    ) -> Result<Option<String>, AwsError> {
        let wanting = rollout.replacement().filter(|new| new.running + new.pending < new.desired);
        let Some(new) = wanting else { return Ok(None) };
        let now = Instant::now();
        let looked = *self.looked.get_or_insert(now);
        if self.denied || now.duration_since(looked) < PAUSE {
            return Ok(None);
        }
        self.looked = Some(now);
        match watch.aws.service_events(cluster, service).await {
            Ok(events) => Ok(self.count(events, &new.id)),
            Err(error) if error.passing => Err(error),
            Err(error) => {
                self.denied = true;
                let told =
                    format!("whether the tasks can be placed cannot be read: {error:#}").replace('\n', " ");
                watch.session.printer.warning(told);
                Ok(None)
            }
        }
    }

    /// The newest event on a task of `task_set` that cannot be placed, if there were enough of them.
    fn count(&mut self, events: Vec<ServiceEvent>, task_set: &str) -> Option<String> {
        let speaks = |event: &&ServiceEvent| {
            let ours = event.text.contains(task_set) || !event.text.contains(TASK_SET);
            ours && WORDS.iter().any(|words| event.text.contains(words))
        };
        let unplaced: Vec<&ServiceEvent> = events.iter().filter(speaks).collect();
        self.seen.extend(unplaced.iter().map(|event| event.id.clone()));
        let newest = unplaced.first().filter(|_| self.seen.len() >= ENOUGH)?;
        Some(newest.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, text: &str) -> ServiceEvent {
        ServiceEvent { id: id.to_owned(), time: None, text: text.to_owned() }
    }

    #[test]
    fn a_task_that_cannot_be_placed_counts_when_that_happens_twice_to_the_new_revision() {
        let full = "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later \
                    or in a different availability zone.";
        let of = |set: &str| format!("(service web, taskSet {set}) {full}");
        let (mut placement, new) = (Placement::default(), "ecs-svc/2");
        let started = event("0", "(service web, taskSet ecs-svc/2) has started 2 tasks: (task a) (task b).");

        assert_eq!(placement.count(vec![started.clone(), event("1", &of("ecs-svc/1"))], new), None);
        let once = vec![event("2", &of(new)), started];
        assert_eq!(placement.count(once.clone(), new), None);
        // The same event again is none more.
        assert_eq!(placement.count(once, new), None);
        let told = placement.count(vec![event("3", &of(new)), event("2", &of(new))], new);
        assert_eq!(told, Some(of(new)));
    }

    #[test]
    fn an_event_that_names_no_task_set_is_about_the_service_that_deploys() {
        let quota = "(service web) was unable to place a task. Reason: You've reached the limit on the number of vCPUs \
                     you can run concurrently.";
        let mut placement = Placement::default();

        let told = placement.count(vec![event("1", quota), event("2", quota)], "ecs-svc/2");

        assert_eq!(told.as_deref(), Some(quota));
    }
}
