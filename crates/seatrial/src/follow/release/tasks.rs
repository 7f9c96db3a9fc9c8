//! The tasks that stop while a rollout runs: a rollback deletes its tasks, so they are noted while they are there.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::StoppedTask;
use crate::follow::Watch;
use crate::follow::stops::words;
use crate::output::{Event, What};

/// What was seen of a service's stopped tasks.
pub(super) struct StoppingTasks {
    /// They had ended before the rollout began, or have been told: nothing more will come of them.
    settled: BTreeSet<String>,
    /// Those that stopped since, by ARN, as they were seen last.
    seen: BTreeMap<String, StoppedTask>,
}

impl StoppingTasks {
    /// Begins with those that have ended already: they are not the rollout's.
    pub(super) async fn begin(watch: Watch<'_>, place: (&str, &str)) -> anyhow::Result<Self> {
        let earlier = watch.aws.list_stopped_tasks(place.0, place.1).await?;
        Ok(Self { settled: earlier.into_iter().collect(), seen: BTreeMap::new() })
    }

    /// Asks for those that stopped, and tells each once it is at its end; whether there was anything new.
    pub(super) async fn look(
        &mut self,
        watch: Watch<'_>,
        (cluster, service): (&str, &str),
    ) -> anyhow::Result<bool> {
        let mut arns = watch.aws.list_stopped_tasks(cluster, service).await?;
        arns.retain(|arn| !self.settled.contains(arn));
        if arns.is_empty() {
            return Ok(false);
        }
        let mut news = false;
        for task in watch.aws.stopped_tasks(cluster, arns).await? {
            // One that is still stopping may have no reason yet, and no exit code.
            if task.reason.is_empty() {
                continue;
            }
            news |= !self.seen.contains_key(&task.arn);
            if task.time.is_some() {
                self.settled.insert(task.arn.clone());
                tell(watch, &task);
            }
            self.seen.insert(task.arn.clone(), task);
        }
        Ok(news)
    }

    /// Those that stopped, or are about to, since the rollout began.
    pub(super) fn seen(&self) -> impl Iterator<Item = &StoppedTask> {
        self.seen.values()
    }

    /// Tells those whose end was not waited for.
    pub(super) fn end(&self, watch: Watch<'_>) {
        for task in self.seen.values().filter(|task| !self.settled.contains(&task.arn)) {
            tell(watch, task);
        }
    }
}

fn tell(watch: Watch<'_>, task: &StoppedTask) {
    let subject: String = task.arn.rsplit('/').next().unwrap_or(&task.arn).chars().take(12).collect();
    let what = What::StoppedTask { reason: words(task) };
    watch.session.printer.tell(Event::new(task.time, subject, what));
}
