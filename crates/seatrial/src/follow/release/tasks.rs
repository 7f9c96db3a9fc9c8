//! The tasks that stop while a rollout runs: a rollback deletes its tasks, so they are noted while they are there.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{StoppedTask, TrafficShare};
use crate::follow::Watch;
use crate::follow::stops::words;
use crate::output::{Event, What};
use crate::rollout::Rollout;

/// What was seen of a service's stopped tasks.
pub(super) struct StoppingTasks {
    /// They had ended before the rollout was looked at, or have been told: nothing more will come of them.
    settled: BTreeSet<String>,
    /// Those that stopped since, by ARN, as they were seen last; and those of before.
    seen: BTreeMap<String, StoppedTask>,
    /// Who started those of before: not the new revision, unless it turns out to be it.
    earlier: BTreeSet<String>,
    /// Who starts the tasks that are to be replaced, and who those that replace them.
    original: Option<String>,
    replacement: Option<String>,
}

impl StoppingTasks {
    /// Begins with those that have ended already. Of a rollout that is joined they may be its own.
    pub(super) async fn begin(watch: Watch<'_>, (cluster, service): (&str, &str)) -> anyhow::Result<Self> {
        let arns = watch.aws.list_stopped_tasks(cluster, service).await?;
        let before = match arns.is_empty() {
            true => Vec::new(),
            false => watch.aws.stopped_tasks(cluster, arns.clone()).await?,
        };
        Ok(Self {
            settled: arns.into_iter().collect(),
            earlier: before.iter().map(|task| task.started_by.clone()).collect(),
            seen: before.into_iter().map(|task| (task.arn.clone(), task)).collect(),
            original: None,
            replacement: None,
        })
    }

    /// Takes in who starts whose tasks. At its end a rollout may tell it no more.
    pub(super) fn note(&mut self, rollout: &Rollout) {
        let id = |share: Option<&TrafficShare>| share.map(|share| share.id.clone());
        self.original = id(rollout.original()).or(self.original.take());
        self.replacement = id(rollout.replacement()).or(self.replacement.take());
    }

    /// Whether whoever started a task is the new revision. Where AWS never told who that is, it is none of those that are
    /// known to be another.
    pub(super) fn is_new(&self, started_by: &str) -> bool {
        match (&self.replacement, &self.original) {
            (Some(replacement), _) => started_by == replacement,
            (None, Some(original)) => started_by != original && !self.earlier.contains(started_by),
            (None, None) => false,
        }
    }

    /// The new revision's tasks that stopped, or are about to.
    pub(super) fn of_the_new(&self) -> impl Iterator<Item = &StoppedTask> {
        self.seen.values().filter(|task| self.is_new(&task.started_by))
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
