//! What is done at a sign: the rollout is stopped, and what shows why is taken; and what is done without one where it waits
//! for a word.

use jiff::Timestamp;

use super::{Follower, Sign, evidence};
use crate::aws::StoppedTask;
use crate::aws::status::Progress;
use crate::output::Event;
use crate::rollout::Strategy;

impl<S: Strategy> Follower<'_, S> {
    /// Stops the rollout at the first sign against it; without one, meets it where it waits for a word.
    pub(super) async fn judge(&mut self) -> anyhow::Result<()> {
        self.stop_at_a_sign().await?;
        let waiting = self.rollout.as_ref().filter(|rollout| rollout.awaits_word() && self.sign.is_none());
        let Some(rollout) = waiting.filter(|rollout| self.met.as_ref() != Some(&rollout.id)) else {
            return Ok(());
        };
        let left = self.following.waits.left(rollout, Timestamp::now());
        if let Some(told) = self.following.gate.meet(self.strategy, (&rollout.id, left)).await? {
            self.met = Some(rollout.id.clone());
            self.watch.session.printer.tell(Event::text("Deploy", told));
        }
        Ok(())
    }

    /// Stops the rollout at the first sign against it, and takes what shows why.
    async fn stop_at_a_sign(&mut self) -> anyhow::Result<()> {
        let (Some(rollout), Some(tasks), None) = (&self.rollout, &self.tasks, &self.sign) else {
            return Ok(());
        };
        let runs = rollout.progress == Progress::Running;
        let unplaced = match runs {
            true => self.placement.look(self.watch, self.place(), rollout).await?.map(Sign::Unplaced),
            false => None,
        };
        let stopped = tasks.of_the_new();
        let sign = self.judge.judge(rollout, stopped, self.probe.as_ref()).or(unplaced);
        if let Some(sign) = sign.filter(|_| runs) {
            let stopped = self.strategy.stop(&rollout.id).await;
            let told = match &stopped {
                Ok(true) => format!("stopped, and traffic goes back: {sign}"),
                Ok(false) => format!("is over already, and cannot be stopped: {sign}"),
                Err(error) => format!("cannot be stopped: {error:#}; {sign}").replace('\n', " "),
            };
            self.watch.session.printer.tell(Event::text("Deploy", told));
            // What passes is tried again at the next look. Else AWS gives the rollout up itself, an hour later.
            self.sign = Some(sign).filter(|_| !stopped.is_err_and(|error| error.passing));
        }
        let went_wrong = self.sign.is_some() || rollout.progress == Progress::Failed;
        if went_wrong && self.evidence.is_none() {
            self.take_evidence().await;
        }
        Ok(())
    }

    /// What shows why is wanted, and not needed: a release does not end for the want of it.
    async fn take_evidence(&mut self) {
        let Some(tasks) = &self.tasks else { return };
        let stopped: Vec<StoppedTask> = tasks.of_the_new().cloned().collect();
        let wanted = (|started_by: &str| tasks.is_new(started_by), stopped.as_slice());
        let (evidence, unread) =
            evidence::take(self.watch.aws, self.place(), self.following.groups, wanted).await;
        if let Some(error) = unread {
            let told = format!("not all that the tasks showed can be read: {error:#}").replace('\n', " ");
            self.watch.session.printer.warning(told);
        }
        (self.following.keep)(&evidence);
        self.evidence = Some(evidence);
    }
}
