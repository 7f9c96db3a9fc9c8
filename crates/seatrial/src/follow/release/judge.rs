//! Whether a rollout must end before its time: the first sign that it will not go well is enough, for AWS itself waits
//! for an hour, and users would wait with it.
//!
//! | sign | when it counts |
//! |---|---|
//! | a task of the new revision stopped: what it needs is missing or denied, it ended, it answered no health check | at once |
//! | requests failed | more than the budget within ten seconds, once traffic goes to the new revision |
//!
//! Production that was down before is no sign: the release may be what mends it.

use std::fmt;
use std::time::Instant;

use crate::aws::StoppedTask;
use crate::follow::probe::{Probe, WINDOW};
use crate::follow::stops::{Cause, words};
use crate::rollout::Rollout;

/// Why a rollout was stopped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sign {
    /// A task of the new revision stopped.
    Task { cause: Cause, task: StoppedTask },
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

/// Watches one rollout.
pub(super) struct Judge {
    budget: usize,
    /// When traffic first went to the new revision, and whether production was well then.
    shifted: Option<(Instant, bool)>,
}

impl Judge {
    pub(super) fn new(budget: u32) -> Self {
        Self { budget: usize::try_from(budget).unwrap_or(usize::MAX), shifted: None }
    }

    /// The first sign against the rollout, if there is one.
    pub(super) fn judge<'a>(
        &mut self,
        rollout: &Rollout,
        mut stopped: impl Iterator<Item = &'a StoppedTask>,
        probe: Option<&Probe>,
    ) -> Option<Sign> {
        let original = rollout.original()?;
        let of_the_new = stopped.find_map(|task| {
            let cause = Cause::of(task, &[]);
            (task.started_by != original.id && cause.is_fatal()).then(|| (cause, task.clone()))
        });
        if let Some((cause, task)) = of_the_new {
            return Some(Sign::Task { cause, task });
        }
        let (probe, replacement) = (probe?, rollout.replacement()?);
        if self.shifted.is_none() && replacement.weight > 0.0 {
            let now = Instant::now();
            let (failed, _) = probe.failed_since(now.checked_sub(WINDOW).unwrap_or(now));
            self.shifted = Some((now, failed <= self.budget));
        }
        let (since, _) = self.shifted.filter(|(_, was_well)| *was_well)?;
        let (failed, example) = probe.failed_since(since);
        let example = example.unwrap_or_default();
        (failed > self.budget).then_some(Sign::Requests { failed, budget: self.budget, example })
    }
}
