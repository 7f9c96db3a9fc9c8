//! What a rollout waits for on purpose, and for how long it still does.

use std::time::Duration;

use jiff::Timestamp;

use crate::aws::status::Progress;
use crate::output::clock;
use crate::rollout::Rollout;

/// How long an environment has its rollouts wait.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waits {
    /// For somebody's word, before any traffic moves.
    pub ready: Duration,
    /// From the first share of the traffic to the last.
    pub shift: Duration,
    /// From then on, until the original tasks are ended.
    pub termination: Duration,
}

impl Waits {
    /// What it waits for now, with the time that is left; `None` where it waits for nothing that takes a known time.
    pub(super) fn left(self, rollout: &Rollout, now: Timestamp) -> Option<String> {
        if rollout.progress != Progress::Running {
            return None;
        }
        let ended = rollout.steps.iter().filter(|step| step.progress == Some(Progress::Succeeded));
        // A step's time is that of its end, or of its beginning while it runs.
        let step = |name: &str, progress| {
            let steps = &rollout.steps;
            steps.iter().find(|step| step.name == name && step.progress == Some(progress))?.time
        };
        let (since, whole, what) = match step("AfterAllowTraffic", Progress::Succeeded) {
            None if rollout.awaits_word() => {
                (ended.filter_map(|step| step.time).max()?, self.ready, "without a word it is stopped")
            }
            Some(since) => (since, self.termination, "the original tasks end"),
            None => {
                (step("AllowTraffic", Progress::Running)?, self.shift, "all traffic goes to the new revision")
            }
        };
        let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let left = whole.checked_sub(waited).filter(|left| !left.is_zero())?;
        Some(format!("{what} in {}", clock(left)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::{RolloutId, RolloutStep};

    fn rollout(name: &str, progress: Progress) -> Rollout {
        let step = RolloutStep {
            name: name.to_owned(),
            status: String::new(),
            progress: Some(progress),
            time: "2026-11-27T10:00:00Z".parse().ok(),
            diagnostics: None,
        };
        Rollout {
            id: RolloutId(String::new()),
            progress: Progress::Running,
            status: String::new(),
            time: None,
            error: None,
            rolled_back_by: None,
            steps: vec![step],
            traffic: Vec::new(),
        }
    }

    #[test]
    fn the_time_that_is_left_counts_from_the_step_that_began_the_wait() {
        let seconds = Duration::from_secs;
        let waits = Waits { ready: seconds(1800), shift: seconds(600), termination: seconds(300) };
        let left = |rollout: &Rollout, now: &str| waits.left(rollout, now.parse().unwrap());
        let shifting = rollout("AllowTraffic", Progress::Running);
        let ending = rollout("AfterAllowTraffic", Progress::Succeeded);

        let told = left(&shifting, "2026-11-27T10:05:30Z");
        assert_eq!(told.as_deref(), Some("all traffic goes to the new revision in 4:30"));
        let told = left(&ending, "2026-11-27T10:01:00Z");
        assert_eq!(told.as_deref(), Some("the original tasks end in 4:00"));
        // It is over by the clock, and not yet told.
        assert_eq!(left(&ending, "2026-11-27T10:06:00Z"), None);
        assert_eq!(left(&rollout("Install", Progress::Running), "2026-11-27T10:01:00Z"), None);
        let mut ready = rollout("AfterAllowTestTraffic", Progress::Succeeded);
        assert_eq!(left(&ready, "2026-11-27T10:01:00Z"), None);
        ready.status = "Ready".to_owned();
        let told = left(&ready, "2026-11-27T10:01:00Z");
        assert_eq!(told.as_deref(), Some("without a word it is stopped in 29:00"));
    }
}
