//! What was told of one rollout, and what is new.

use super::Watch;
use crate::aws::TrafficShare;
use crate::aws::status::Progress;
use crate::output::{Event, What};
use crate::rollout::{Rollout, RolloutStep};

#[derive(Default)]
pub(super) struct RolloutTold {
    status: String,
    steps: Vec<RolloutStep>,
    /// Label, percent, running tasks.
    traffic: Vec<(String, f64, i64)>,
}

impl RolloutTold {
    /// Tells what is new; whether anything was.
    pub(super) fn tell(&mut self, watch: Watch<'_>, rollout: &Rollout) -> bool {
        let mut news = false;
        let mut tell = |time, what| {
            news = true;
            watch.session.printer.tell(Event::new(time, "Deploy", what));
        };
        if rollout.status != self.status {
            self.status.clone_from(&rollout.status);
            let error = rollout.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            let text = format!("deployment {} {}{error}", rollout.id, rollout.status);
            tell(rollout.time, What::Text(text));
        }
        for step in &rollout.steps {
            if step.progress.is_none() || self.steps.contains(step) {
                continue;
            }
            self.steps.push(step.clone());
            let RolloutStep { name, status, time, diagnostics, .. } = step.clone();
            tell(time, What::Lifecycle { name, status, diagnostics });
        }
        let sets = rollout.traffic.iter().map(|set| (set.label.clone(), set.weight, set.running));
        let sets: Vec<_> = sets.collect();
        if sets != self.traffic && !sets.is_empty() {
            self.traffic.clone_from(&sets);
            tell(None, What::Traffic(sets));
        }
        news
    }
}

/// The step that runs, and how the traffic is shared.
pub(super) fn state_of(rollout: &Rollout) -> String {
    let step = rollout.steps.iter().rfind(|step| step.progress == Some(Progress::Running));
    let step = step.map(|step| step.name.clone());
    let share = |share: &TrafficShare| {
        let TrafficShare { label, weight, running, desired, .. } = share;
        format!("{label} {weight} %, {running} of {desired} running")
    };
    step.into_iter().chain(rollout.traffic.iter().map(share)).collect::<Vec<_>>().join("; ")
}
