//! What is looked at behind the end of an execution: the rollback of its rollout, which counts, for requests are watched to
//! its end.

use std::time::Duration;

use super::{Follower, Look};
use crate::aws::Execution;
use crate::aws::status::Progress;
use crate::rollout::Strategy;

/// So long after its end a rollout that failed may name the one that rolls it back: AWS makes that one only then, and
/// promises no time.
const UNNAMED: Duration = Duration::from_secs(60);
/// The same in the local cloud, which names it as it ends the other.
const UNNAMED_HERE: Duration = Duration::from_secs(1);

impl<S: Strategy> Follower<'_, S> {
    /// The execution has ended; a rollback may still run, or come.
    pub(super) async fn look_behind(&mut self) -> anyhow::Result<Look<Execution>> {
        self.look_at_current().await?;
        let over = || Ok(Look::Ended(self.execution.clone()));
        let Some(rollout) = &self.rollout else { return over() };
        let Some(id) = rollout.rolled_back_by.clone() else {
            if rollout.progress != Progress::Failed {
                return over();
            }
            let now = self.watch.session.clock.now();
            let patience = if self.watch.aws.is_local() { UNNAMED_HERE } else { UNNAMED };
            if now.duration_since(*self.behind.get_or_insert(now)) > patience {
                return over();
            }
            let rollout = self.strategy.look(&rollout.id).await?;
            let named = rollout.rolled_back_by.is_some();
            self.rollout = Some(rollout);
            return Ok(if named { Look::News } else { Look::Nothing });
        };
        let rollback = self.strategy.look(&id).await?;
        let news = self.rollback_told.tell(self.watch, &rollback) | self.look_at_tasks().await?;
        let running = rollback.progress == Progress::Running;
        self.rollback = Some(rollback);
        Ok(match running {
            true if news => Look::News,
            true => Look::Nothing,
            false => Look::Ended(self.execution.clone()),
        })
    }
}
