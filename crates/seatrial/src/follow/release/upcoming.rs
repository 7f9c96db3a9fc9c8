//! What of an execution is taken up next: its build, then its rollout, before which the scaling of the service is suspended.

use super::tasks::StoppingTasks;
use super::{BUILD_PROVIDER, Current, Follower, gate};
use crate::follow::Probe;
use crate::follow::build::BuildTold;
use crate::follow::rollout::RolloutTold;
use crate::output::{Event, What};
use crate::rollout::{RolloutId, Strategy};

impl<S: Strategy> Follower<'_, S> {
    /// Takes up the newest run of an action that has something of its own to follow and was not followed yet.
    pub(super) async fn begin(&mut self) -> anyhow::Result<()> {
        let newest = |provider| gate::newest(&self.actions, provider);
        let (rollout, build) = (newest(S::PROVIDER).map(RolloutId), newest(BUILD_PROVIDER));
        if let Some(id) = rollout {
            if self.rollout.as_ref().is_none_or(|rollout| rollout.id != id) {
                self.begin_rollout(id).await?;
            }
        } else if build.is_some() && build != self.build {
            self.build.clone_from(&build);
            self.current = Current::Build(build.unwrap_or_default(), BuildTold::default());
            self.watch.session.printer.tell(Event::new(None, self.current.subject(), What::InWork));
        }
        Ok(())
    }

    pub(super) async fn begin_rollout(&mut self, id: RolloutId) -> anyhow::Result<()> {
        if let Some(scaling) = self.following.scaling {
            scaling.suspend().await;
        }
        if self.tasks.is_none() {
            self.tasks = Some(StoppingTasks::begin(self.watch, self.place()).await?);
        }
        if let Some(target) = self.following.probe.take() {
            match Probe::start(target) {
                Ok(probe) => self.probe = Some(probe),
                Err(why) => {
                    self.watch.session.printer.warning(format_args!("nothing is probed: {why}"));
                    self.unprobed = Some(why);
                }
            }
        }
        self.current = Current::Rollout(id, RolloutTold::default());
        self.watch.session.printer.tell(Event::new(None, self.current.subject(), What::InWork));
        self.look_at_current().await.map(drop)
    }
}
