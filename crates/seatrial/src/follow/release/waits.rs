//! What a rollout waits for on purpose, and for how long it still does.

use std::time::Duration;

use jiff::Timestamp;

use crate::aws::status::Progress;
use crate::output::{Event, Printer, clock};
use crate::rollout::Rollout;

/// How long an environment has its rollouts wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// For somebody's word, before any traffic moves.
    pub ready: Duration,
    /// From the first share of the traffic to the last.
    pub shift: Duration,
    /// From then on, until the original tasks are ended.
    pub termination: Duration,
    /// How many times longer they are on AWS: 1 there.
    pub scale: f64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { ready: Duration::ZERO, shift: Duration::ZERO, termination: Duration::ZERO, scale: 1.0 }
    }
}

/// A wait that goes on.
struct Wait {
    since: Timestamp,
    whole: Duration,
    what: &'static str,
}

impl Waits {
    fn current(self, rollout: &Rollout) -> Option<Wait> {
        if rollout.progress != Progress::Running {
            return None;
        }
        let ended = rollout.steps.iter().filter(|step| step.progress == Some(Progress::Succeeded));
        // A step's time is that of its end, or of its beginning while it runs.
        let step = |name: &str, progress| {
            let steps = &rollout.steps;
            steps.iter().find(|step| step.name == name && step.progress == Some(progress))?.time
        };
        match step("AfterAllowTraffic", Progress::Succeeded) {
            None if rollout.awaits_word() => Some(Wait {
                since: ended.filter_map(|step| step.time).max()?,
                whole: self.ready,
                what: "without a word it is stopped",
            }),
            Some(since) => Some(Wait { since, whole: self.termination, what: "the original tasks end" }),
            None => {
                let since = step("AllowTraffic", Progress::Running)?;
                Some(Wait { since, whole: self.shift, what: "all traffic goes to the new revision" })
            }
        }
    }

    /// What it waits for now, with the time that is left; `None` where it waits for nothing that takes a known time.
    pub(super) fn left(self, rollout: &Rollout, now: Timestamp) -> Option<String> {
        let Wait { since, whole, what } = self.current(rollout)?;
        let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let left = whole.checked_sub(waited).filter(|left| !left.is_zero())?;
        Some(format!("{what} in {}{}", clock(left), self.on_aws(left)))
    }

    /// Tells a wait once, as it begins; `told` is the one that was told last.
    pub(super) fn tell(self, printer: &Printer, rollout: &Rollout, told: &mut Option<&'static str>) {
        let begun = self.begun(rollout).filter(|(what, _)| *told != Some(what));
        if let Some((what, text)) = begun {
            *told = Some(what);
            printer.tell(Event::text("Deploy", text));
        }
    }

    /// What it waits for now, and for how long as a whole.
    fn begun(self, rollout: &Rollout) -> Option<(&'static str, String)> {
        // Who waits for a word says so itself.
        let wait = self.current(rollout).filter(|_| !rollout.awaits_word());
        let Wait { whole, what, .. } = wait.filter(|wait| !wait.whole.is_zero())?;
        Some((what, format!("waits {} until {what}{}", clock(whole), self.on_aws(whole))))
    }

    /// What it would take on AWS, where it takes less here.
    fn on_aws(self, here: Duration) -> String {
        match self.scale > 1.0 {
            true => format!(" (on AWS {})", clock(here.mul_f64(self.scale))),
            false => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::RolloutStep;

    fn rollout(name: &str, progress: Progress) -> Rollout {
        let step = RolloutStep {
            name: name.to_owned(),
            status: String::new(),
            progress: Some(progress),
            time: "2026-11-27T10:00:00Z".parse().ok(),
            diagnostics: None,
        };
        Rollout { steps: vec![step], ..Rollout::of_test(Progress::Running) }
    }

    #[test]
    fn the_time_that_is_left_counts_from_the_step_that_began_the_wait() {
        let seconds = Duration::from_secs;
        let (ready, shift, termination) = (seconds(1800), seconds(600), seconds(300));
        let waits = Waits { ready, shift, termination, scale: 1.0 };
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

    #[test]
    fn a_wait_that_passes_faster_is_told_with_what_it_takes_on_aws() {
        let here = Duration::from_secs(5);
        let waits = Waits { termination: here, scale: 60.0, ..Waits::default() };
        let ending = rollout("AfterAllowTraffic", Progress::Succeeded);

        let told = waits.left(&ending, "2026-11-27T10:00:02Z".parse().unwrap());
        assert_eq!(told.as_deref(), Some("the original tasks end in 0:03 (on AWS 3:00)"));
        let (_, told) = waits.begun(&ending).unwrap();
        assert_eq!(told, "waits 0:05 until the original tasks end (on AWS 5:00)");
        // Nothing is waited for that takes no time.
        assert!(waits.begun(&rollout("AllowTraffic", Progress::Running)).is_none());
    }
}
