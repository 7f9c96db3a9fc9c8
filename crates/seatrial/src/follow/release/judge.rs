//! Whether a rollout must end before its time: the first sign that it will not go well is enough, for AWS itself waits
//! for an hour, and users would wait with it.
//!
//! | a task of the new revision stopped because | it counts |
//! |---|---|
//! | what it needs is not there, or denied | at once: the next one will meet the same |
//! | it ended, or answered no health check | at once; once all traffic goes to it, when another did so, too |
//! | nothing could be reached, or there was no capacity | when another did so, too: ECS tries again |
//!
//! A task that cannot even be placed counts when ECS has said so twice.
//!
//! Requests that are answered badly count when there are more than the budget within ten seconds, once traffic goes to the
//! new revision. Production that was down before is no sign: the release may be what mends it.

use std::fmt;
use std::time::{Duration, Instant};

use crate::aws::StoppedTask;
use crate::follow::probe::{Probe, WINDOW};
use crate::follow::stops::{Cause, words};
use crate::rollout::Rollout;

/// Why a rollout was stopped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sign {
    /// A task of the new revision stopped.
    Task { cause: Cause, task: StoppedTask },
    /// No task of the new revision can be placed: ECS's words.
    Unplaced(String),
    /// So many requests failed within the window; what one of them met.
    Requests { failed: usize, budget: usize, example: String },
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task { task, .. } => {
                let id = task.arn.rsplit('/').next().unwrap_or(&task.arn);
                write!(f, "task {id} of the new revision stopped: {}", words(task))
            }
            Self::Unplaced(words) => write!(f, "no task of the new revision can be placed: {words}"),
            Self::Requests { failed, budget, example } => {
                let seconds = WINDOW.as_secs();
                write!(
                    f,
                    "{failed} requests failed within {seconds} s of the shift, and {budget} may ({example})"
                )
            }
        }
    }
}

/// So late a look says nothing of the time between: the machine slept, or its network was away.
const LATE: Duration = Duration::from_secs(8);

/// Watches one rollout.
pub(super) struct Judge {
    budget: usize,
    /// The last look at production before any traffic went to the new revision, and whether it was well then.
    before: Option<(Instant, bool)>,
    /// From when on requests count; `None` before the shift, and where production was down before.
    since: Option<Instant>,
    shifted: bool,
    looked: Option<Instant>,
}

impl Judge {
    pub(super) fn new(budget: u32) -> Self {
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        Self { budget, before: None, since: None, shifted: false, looked: None }
    }

    /// The first sign against the rollout, if there is one; `stopped` are the new revision's.
    pub(super) fn judge<'a>(
        &mut self,
        rollout: &Rollout,
        stopped: impl Iterator<Item = &'a StoppedTask>,
        probe: Option<&Probe>,
    ) -> Option<Sign> {
        let is_live = rollout.replacement().is_some_and(|share| share.weight >= 100.0);
        let of_tasks = of_tasks(stopped, is_live);
        let now = Instant::now();
        let failed = |since: Instant| probe.map(|probe| probe.failed_since(since)).unwrap_or_default();
        of_tasks.or_else(|| self.of_requests(rollout, now, failed))
    }

    /// `failed`: how many were answered badly since then within the window, and what the last one met.
    fn of_requests(
        &mut self,
        rollout: &Rollout,
        now: Instant,
        failed: impl Fn(Instant) -> (usize, Option<String>),
    ) -> Option<Sign> {
        let looked = self.looked.replace(now);
        let weight = rollout.replacement()?.weight;
        if weight <= 0.0 && !self.shifted {
            let (bad, _) = failed(now.checked_sub(WINDOW).unwrap_or(now));
            self.before = Some((now, bad <= self.budget));
            return None;
        }
        if !self.shifted {
            self.shifted = true;
            // It may have happened right after the last look. Who joins later knows that production answered then.
            let (at, was_well) = self.before.unwrap_or((now, true));
            self.since = was_well.then_some(at);
        }
        if self.since.is_some() && looked.is_some_and(|looked| now.duration_since(looked) > LATE) {
            self.since = Some(now);
        }
        let (failed, example) = failed(self.since?);
        let example = example.unwrap_or_default();
        (failed > self.budget).then_some(Sign::Requests { failed, budget: self.budget, example })
    }
}

/// By the tasks alone; `is_live`: all traffic goes to them.
fn of_tasks<'a>(stopped: impl Iterator<Item = &'a StoppedTask>, is_live: bool) -> Option<Sign> {
    let stopped: Vec<(Cause, &StoppedTask)> =
        stopped.map(|task| (Cause::of(task, &[]), task)).filter(|(cause, _)| cause.is_fatal()).collect();
    let enough = |cause: Cause| match cause {
        _ if cause.cannot_heal() => 1,
        Cause::DeniedSecret | Cause::DeniedImage => 1,
        Cause::Exited | Cause::ReadOnly | Cause::Memory | Cause::Unhealthy if !is_live => 1,
        _ => 2,
    };
    let (cause, task) = stopped
        .iter()
        .find(|(cause, _)| stopped.iter().filter(|(other, _)| other == cause).count() >= enough(*cause))?;
    Some(Sign::Task { cause: *cause, task: (*task).clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::TrafficShare;
    use crate::aws::status::Progress;

    fn rollout(weight: f64) -> Rollout {
        let label = "Green".to_owned();
        let share =
            TrafficShare { id: "ecs-svc/2".to_owned(), label, weight, running: 2, pending: 0, desired: 2 };
        Rollout { traffic: vec![share], ..Rollout::of_test(Progress::Running) }
    }

    /// Looks a second or so apart: the weight, and how many were answered badly since the time that is asked for.
    fn judged(looks: &[(u64, f64, usize)]) -> bool {
        let (mut judge, began) = (Judge::new(5), Instant::now());
        let mut all = Vec::new();
        looks.iter().any(|(second, weight, bad)| {
            let now = began + Duration::from_secs(*second);
            all.push((now, *bad));
            let failed = |since: Instant| {
                let counted = all.iter().filter(|(at, _)| *at > since && now.duration_since(*at) <= WINDOW);
                (counted.map(|(_, bad)| bad).sum(), None)
            };
            judge.of_requests(&rollout(*weight), now, failed).is_some()
        })
    }

    #[test]
    fn more_bad_answers_than_the_budget_count_from_the_last_look_before_the_shift() {
        // All that went wrong did so before the shift was seen.
        assert!(judged(&[(0, 0.0, 0), (2, 100.0, 40)]));
        assert!(judged(&[(0, 0.0, 0), (2, 10.0, 3), (4, 10.0, 3)]));
        assert!(!judged(&[(0, 0.0, 0), (2, 10.0, 3), (5, 10.0, 1), (8, 10.0, 0), (14, 100.0, 3)]));
    }

    #[test]
    fn production_that_was_down_before_and_a_machine_that_slept_are_no_sign() {
        assert!(!judged(&[(0, 0.0, 9), (2, 100.0, 40), (4, 100.0, 40)]));
        assert!(!judged(&[(0, 0.0, 0), (2, 100.0, 0), (60, 100.0, 40)]));
        assert!(judged(&[(0, 0.0, 0), (2, 100.0, 0), (60, 100.0, 40), (62, 100.0, 6)]));
    }

    #[test]
    fn what_ecs_tries_again_counts_when_it_happens_twice_and_what_it_cannot_mend_at_once() {
        let task = |code: &str, reason: &str| StoppedTask {
            code: code.to_owned(),
            reason: reason.to_owned(),
            ..StoppedTask::default()
        };
        let exited = task("EssentialContainerExited", "Essential container in task exited");
        let slow =
            task("TaskFailedToStart", "Timeout waiting for network interface provisioning to complete.");
        let missing = task("TaskFailedToStart", "CannotPullContainerError: web:1: not found");
        let sign = |stopped: &[&StoppedTask], is_live| of_tasks(stopped.iter().copied(), is_live).is_some();

        assert!(sign(&[&exited], false) && !sign(&[&exited], true) && sign(&[&exited, &exited], true));
        assert!(!sign(&[&slow], false) && !sign(&[&slow, &exited], true) && sign(&[&slow, &slow], false));
        assert!(sign(&[&missing], true));
    }
}
