//! Whether a task set will ever get healthy, by what ECS says of it.
//!
//! AWS waits for an hour and says no more than that it is over. Here a set is given up as soon as so many of its
//! tasks had to be replaced that the next one will not do better; who waits is told at once, and why.

use std::time::Duration;

use crate::clock::Clock;
use crate::services::ecs::{Service, TaskSet};

/// Replaced tasks after which a set is given up.
const REPLACED: i64 = 3;
/// AWS's budget.
const BUDGET: Duration = Duration::from_secs(3600);
/// Starting is not scaled: a set gets at least this long.
const SHORTEST: Duration = Duration::from_secs(120);

/// AWS's words.
const TIMED_OUT: &str = "The ECS deployment timed out while waiting for the replacement task set to become \
                         healthy. This time out period is 60 minutes.";

/// Why `set` is given up, after it was waited for this long; `None`: it is not.
pub(super) fn given_up(service: &Service, set: &TaskSet, waited: Duration, clock: Clock) -> Option<String> {
    let own = format!("taskSet {})", set.id);
    let events = || service.events.iter().filter(|event| event.message.contains(&own));
    let started: usize = events()
        .filter(|event| event.message.contains("has started"))
        .map(|event| event.message.matches("(task ").count())
        .sum();
    let started = i64::try_from(started).unwrap_or(i64::MAX);
    let unhealthy = events().filter(|event| event.message.contains("is unhealthy in")).count();
    let unhealthy = i64::try_from(unhealthy).unwrap_or(i64::MAX);
    let replaced = (started - set.computed_desired_count).max(unhealthy);
    if replaced >= REPLACED {
        let last = events().find(|event| event.message.contains("is unhealthy in"));
        let last = last.map_or_else(
            || "they ended or could not start; their stopped reasons say why".to_owned(),
            |event| event.message.clone(),
        );
        return Some(format!(
            "{TIMED_OUT} It was given up early, after {replaced} of its tasks failed: {last}"
        ));
    }
    (waited >= clock.scaled(BUDGET).max(SHORTEST)).then(|| TIMED_OUT.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(messages: &[&str]) -> Service {
        let event = |message: &&str| json!({ "id": "1", "createdAt": 0.0, "message": message });
        let events: Vec<_> = messages.iter().map(event).collect();
        serde_json::from_value(json!({ "events": events })).unwrap()
    }

    fn set(desired: i64) -> TaskSet {
        TaskSet { id: "ecs-svc/1".to_owned(), computed_desired_count: desired, ..TaskSet::default() }
    }

    #[test]
    fn a_set_is_given_up_when_three_tasks_were_replaced_and_not_when_others_were() {
        let started = "(service app, taskSet ecs-svc/1) has started 2 tasks: (task a) (task b).";
        let again = "(service app, taskSet ecs-svc/1) has started 1 tasks: (task c).";
        let of_other = "(service app, taskSet ecs-svc/12) has started 1 tasks: (task d).";
        let judge = |messages: &[&str]| {
            given_up(&service(messages), &set(2), Duration::from_secs(9), Clock::new(60.0)).is_some()
        };

        assert!(!judge(&[started, again, again, of_other, of_other]));
        assert!(judge(&[again, again, again, started]));
    }

    #[test]
    fn the_last_failed_health_check_is_told() {
        let check = "(service app, taskSet ecs-svc/1) (port 8080) is unhealthy in (target-group green/1) due to \
                     (reason Health checks failed with these codes: [500])";

        let reason =
            given_up(&service(&[check, check, check]), &set(1), Duration::ZERO, Clock::new(1.0)).unwrap();

        assert!(reason.starts_with("The ECS deployment timed out") && reason.contains("[500]"), "{reason}");
    }

    #[test]
    fn a_set_that_only_takes_long_has_its_hour() {
        let clock = Clock::new(10.0);
        let judge = |seconds| given_up(&service(&[]), &set(1), Duration::from_secs(seconds), clock);

        assert_eq!(judge(359), None);
        assert_eq!(judge(360).as_deref(), Some(TIMED_OUT));
    }
}
