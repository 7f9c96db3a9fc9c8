//! Follows a pipeline execution to its end: actions, build log, rollout, stopped tasks, and the probe that asks the
//! production listener all the while the rollout runs.
//!
//! Each look asks only what can still change: the execution itself, and of its actions the one that runs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::build::BuildTold;
use super::rollout::RolloutTold;
use super::{Look, Probe, ProbeTarget, Requests, Watch};
use crate::aws::status::{Progress, build_progress, execution_progress};
use crate::aws::{ActionRun, Execution, StoppedTask};
use crate::output::{Event, What};
use crate::rollout::{Rollout, RolloutId, Strategy};

/// The provider of the pipeline's build action, as AWS spells it.
const BUILD_PROVIDER: &str = "CodeBuild";

/// What to follow.
pub(crate) struct Following<'a> {
    pub pipeline: &'a str,
    pub execution: &'a str,
    pub cluster: &'a str,
    pub service: &'a str,
    /// How long it may take: what the environment waits for on purpose, and what everything else takes at most.
    pub patience: Duration,
    /// Asked from the rollout's first moment to its last; `None` for no probe.
    pub probe: Option<ProbeTarget>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Followed {
    pub execution: Execution,
    pub actions: Vec<ActionRun>,
    pub rollout: Option<Rollout>,
    /// The rollout that put the old revision back, where one did, at its end.
    pub rollback: Option<Rollout>,
    pub requests: Option<Requests>,
    /// Tasks that ended while it ran: a rollback deletes them, so they are noted while they are there.
    pub stopped: Vec<StoppedTask>,
}

/// Tells an execution to its end.
pub(crate) async fn follow_release<S: Strategy>(
    watch: Watch<'_>,
    strategy: &S,
    following: Following<'_>,
) -> anyhow::Result<Followed> {
    let what = format!("execution `{}`", following.execution);
    let mut poll = watch.poll(what, following.patience);
    let mut follower = Follower::new(watch, strategy, following);
    let followed = poll.until(async || follower.look().await).await;
    // Nobody wants the rest of a probe whose release was left.
    let execution = followed?;
    let requests = match follower.probe.take() {
        Some(probe) => Some(probe.finish(&watch.session.cancel).await?),
        None => None,
    };
    Ok(Followed {
        execution,
        actions: follower.actions,
        rollout: follower.rollout,
        rollback: follower.rollback,
        requests,
        stopped: follower.stopped,
    })
}

struct Follower<'a, S> {
    watch: Watch<'a>,
    strategy: &'a S,
    following: Following<'a>,
    execution: Execution,
    actions: Vec<ActionRun>,
    /// The action run whose own object tells how it stands, with what was told of it.
    current: Current,
    /// The build that was followed last.
    build: Option<String>,
    rollout: Option<Rollout>,
    rollback: Option<Rollout>,
    rollback_told: RolloutTold,
    probe: Option<Probe>,
    stopped: Vec<StoppedTask>,
    /// Tasks that were told, or that had ended before the rollout began: those are not ours.
    known_tasks: Option<BTreeSet<String>>,
}

/// What runs now.
#[derive(Default)]
enum Current {
    #[default]
    Nothing,
    Build(String, BuildTold),
    Rollout(RolloutId, RolloutTold),
}

impl<'a, S: Strategy> Follower<'a, S> {
    fn new(watch: Watch<'a>, strategy: &'a S, following: Following<'a>) -> Self {
        Self {
            watch,
            strategy,
            following,
            execution: Execution::default(),
            actions: Vec::new(),
            current: Current::Nothing,
            build: None,
            rollout: None,
            rollback: None,
            rollback_told: RolloutTold::default(),
            probe: None,
            stopped: Vec::new(),
            known_tasks: None,
        }
    }

    /// Looks once at everything that can still change.
    async fn look(&mut self) -> anyhow::Result<Look<Execution>> {
        if execution_progress(&self.execution.status) != Progress::Running {
            return self.look_behind().await;
        }
        let Following { pipeline, execution, .. } = self.following;
        let execution = self.watch.aws.get_execution(pipeline, execution).await?;
        let ended = execution_progress(&execution.status) != Progress::Running;
        let mut news = self.look_at_current().await?;
        // With the execution its last action has ended, maybe since it was asked.
        if ended || matches!(self.current, Current::Nothing) {
            news |= self.look_at_actions().await?;
        }
        // Not before: where one of these looks failed, the next one asks again how the actions ended.
        self.execution = execution;
        if ended {
            return self.look_behind().await;
        }
        Ok(if news { Look::News } else { Look::Nothing })
    }

    /// The execution has ended; a rollback may still run, and counts: requests are watched to its end.
    async fn look_behind(&mut self) -> anyhow::Result<Look<Execution>> {
        self.look_at_current().await?;
        let Some(id) = self.rollout.as_ref().and_then(|rollout| rollout.rolled_back_by.clone()) else {
            return Ok(Look::Ended(self.execution.clone()));
        };
        let rollback = self.strategy.look(&id).await?;
        let news = self.rollback_told.tell(self.watch, &rollback) | self.tell_stopped().await?;
        let running = rollback.progress == Progress::Running;
        self.rollback = Some(rollback);
        Ok(match running {
            true if news => Look::News,
            true => Look::Nothing,
            false => Look::Ended(self.execution.clone()),
        })
    }

    async fn look_at_current(&mut self) -> anyhow::Result<bool> {
        let (ended, news) = match &mut self.current {
            Current::Nothing => return Ok(false),
            Current::Build(id, told) => {
                let (build, news) = told.look(self.watch, id).await?;
                (build_progress(&build.status) != Progress::Running, news)
            }
            Current::Rollout(id, told) => {
                let rollout = self.strategy.look(id).await?;
                let news = told.tell(self.watch, &rollout);
                let ended = rollout.progress != Progress::Running;
                self.rollout = Some(rollout);
                (ended, self.tell_stopped().await? | news)
            }
        };
        if ended {
            self.current = Current::Nothing;
        }
        Ok(news)
    }

    async fn look_at_actions(&mut self) -> anyhow::Result<bool> {
        let Following { pipeline, execution, .. } = self.following;
        let runs = self.watch.aws.action_runs(pipeline, execution).await?;
        let mut news = false;
        for run in &runs {
            let told = self.actions.iter().any(|old| (&old.id, &old.status) == (&run.id, &run.status));
            if !told {
                news = true;
                self.tell_action(run);
            }
        }
        self.actions = runs;
        self.begin().await?;
        Ok(news)
    }

    fn tell_action(&self, run: &ActionRun) {
        let what = What::Action {
            action: run.action.clone(),
            status: run.status.clone(),
            detail: run.error.clone().or_else(|| run.summary.clone()),
        };
        let running = execution_progress(&run.status) == Progress::Running;
        let time = if running { run.started } else { run.updated };
        self.watch.session.printer.tell(Event::new(time, run.stage.clone(), what));
    }

    /// Takes up the newest run of an action that has something of its own to follow and was not followed yet.
    async fn begin(&mut self) -> anyhow::Result<()> {
        let newest =
            |provider: &str| self.actions.iter().rfind(|run| run.provider == provider)?.external_id.clone();
        let (rollout, build) = (newest(S::PROVIDER).map(RolloutId), newest(BUILD_PROVIDER));
        if let Some(id) = rollout {
            if self.rollout.as_ref().is_none_or(|rollout| rollout.id != id) {
                self.begin_rollout(id).await?;
            }
        } else if build.is_some() && build != self.build {
            self.build.clone_from(&build);
            self.current = Current::Build(build.unwrap_or_default(), BuildTold::default());
        }
        Ok(())
    }

    async fn begin_rollout(&mut self, id: RolloutId) -> anyhow::Result<()> {
        if self.known_tasks.is_none() {
            let Following { cluster, service, .. } = self.following;
            let earlier = self.watch.aws.list_stopped_tasks(cluster, service).await?;
            self.known_tasks = Some(earlier.into_iter().collect());
        }
        if self.probe.is_none() {
            self.probe = self.following.probe.take().map(Probe::start);
        }
        self.current = Current::Rollout(id, RolloutTold::default());
        self.look_at_current().await.map(drop)
    }

    async fn tell_stopped(&mut self) -> anyhow::Result<bool> {
        let Following { cluster, service, .. } = self.following;
        let known = self.known_tasks.get_or_insert_default();
        let mut arns = self.watch.aws.list_stopped_tasks(cluster, service).await?;
        arns.retain(|arn| !known.contains(arn));
        if arns.is_empty() {
            return Ok(false);
        }
        for task in self.watch.aws.stopped_tasks(cluster, arns).await? {
            if task.reason.is_empty() {
                // It is still stopping: its reason comes with its end.
                continue;
            }
            known.insert(task.arn.clone());
            let containers: String = task.containers.iter().map(|text| format!("; {text}")).collect();
            let what = What::StoppedTask { reason: format!("{}{containers}", task.reason) };
            let subject: String = task.arn.rsplit('/').next().unwrap_or(&task.arn).chars().take(12).collect();
            self.watch.session.printer.tell(Event::new(task.time, subject, what));
            self.stopped.push(task);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
