//! What is told of a release on its way.

use jiff::Timestamp;

use super::{Current, Follower, SUBJECT};
use crate::aws::ActionRun;
use crate::aws::status::{Progress, execution_progress};
use crate::follow::rollout::state_of;
use crate::output::{Event, What};
use crate::rollout::Strategy;

impl<S: Strategy> Follower<'_, S> {
    /// How what runs stands at this moment, for screens.
    pub(super) fn tell_state(&self) {
        let printer = &self.watch.session.printer;
        if let (Current::Rollout(..), Some(rollout)) = (&self.current, &self.rollout) {
            let waits = self.following.waits.left(rollout, Timestamp::now());
            let state = state_of(rollout);
            let state = What::State(waits.map_or(state.clone(), |waits| format!("{waits}; {state}")));
            printer.tell(Event::new(None, self.current.subject(), state));
        }
        if let Some(probe) = &self.probe {
            let (sent, failed) = probe.so_far();
            let state = What::State(format!("{sent} requests sent, {failed} failed"));
            printer.tell(Event::new(None, SUBJECT, state));
        }
    }

    pub(super) fn tell_action(&self, run: &ActionRun) {
        let what = What::Action {
            action: run.action.clone(),
            status: run.status.clone(),
            detail: run.error.clone().or_else(|| run.summary.clone()),
        };
        let running = execution_progress(&run.status) == Progress::Running;
        let time = if running { run.started } else { run.updated };
        self.watch.session.printer.tell(Event::new(time, run.stage.clone(), what));
    }
}
