//! Follows a pipeline execution to its end: actions, build log, rollout, stopped tasks, and the probe that asks the
//! production listener all the while the rollout runs.
//!
//! Each look asks only what can still change: the execution itself, and of its actions the one that runs.

mod behind;
mod ended;
mod evidence;
mod following;
mod gate;
mod judge;
mod judging;
mod left;
mod placement;
mod tasks;
mod telling;
mod waits;

use jiff::Timestamp;

use super::build::BuildTold;
use super::rollout::{RolloutTold, state_of};
use super::{Look, Probe, Watch};
use crate::aws::status::{Progress, build_progress, execution_progress};
use crate::aws::{ActionRun, Execution};
use crate::output::{Event, What, Whole};
use crate::rollout::{Rollout, RolloutId, Strategy};
use behind::Behind;
use judge::Judge;
use placement::Placement;
use tasks::StoppingTasks;
use telling::{tell_action, tell_requests};

pub(crate) use ended::Followed;
pub(crate) use evidence::{Evidence, TaskEvidence, evidence_of};
pub(crate) use following::Following;
pub(crate) use gate::{CHECK_ACTION, Gate};
pub(crate) use judge::Sign;
pub(crate) use left::Left;
pub(crate) use waits::Waits;

/// The provider of the pipeline's build action, as AWS spells it.
const BUILD_PROVIDER: &str = "CodeBuild";

/// What a screen shows the whole of a release under, and the one of its actions that runs.
const SUBJECT: &str = "release";

/// Tells an execution to its end.
pub(crate) async fn follow_release<S: Strategy>(
    watch: Watch<'_>,
    strategy: &S,
    following: Following<'_>,
) -> anyhow::Result<Followed> {
    let what = format!("execution `{}`", following.execution);
    followed(watch, strategy, (what, following), None).await
}

/// Tells a rollout that no execution started to its end; that of its rollback, where there is one.
pub(crate) async fn follow_rollout<S: Strategy>(
    watch: Watch<'_>,
    strategy: &S,
    (id, following): (RolloutId, Following<'_>),
) -> anyhow::Result<Followed> {
    let what = format!("deployment `{id}`");
    followed(watch, strategy, (what, following), Some(id)).await
}

async fn followed<'a, S: Strategy>(
    watch: Watch<'a>,
    strategy: &'a S,
    (what, following): (String, Following<'a>),
    alone: Option<RolloutId>,
) -> anyhow::Result<Followed> {
    let mut poll = watch.poll(what, following.patience).of_a_release(watch.aws.is_local());
    let _together =
        watch.session.printer.together(SUBJECT, Whole { prefix: String::new(), count: 0, expected: None });
    let mut follower = Follower::new(watch, strategy, following);
    let followed = poll.until(async || match &alone {
        None => follower.look().await,
        Some(id) => follower.look_at_rollout(id).await,
    });
    // On the heap: what waits for it holds room for all of it otherwise.
    let (execution, left) = match Box::pin(followed).await {
        Ok(execution) => (execution, None),
        Err(error) => (follower.execution.clone(), Some(Left::of(error)?)),
    };
    if let Some(tasks) = follower.tasks.take() {
        tasks.end(watch);
    }
    let requests = match follower.probe.take() {
        // Nobody wants the rest of a probe whose release was left; what it has seen counts.
        Some(probe) if left.is_some() => Some(probe.leave()),
        Some(probe) => Some(probe.finish(&watch.session.cancel).await?),
        None => None,
    };
    let evidence = follower.evidence.as_mut().filter(|_| left.is_none());
    evidence::read_again(watch.aws, evidence, follower.following.keep).await;
    Ok(Followed {
        execution,
        left,
        unprobed: follower.unprobed,
        actions: follower.actions,
        rollout: follower.rollout,
        rollback: follower.rollback,
        requests,
        reached: follower.reached,
        sign: follower.sign,
        evidence: follower.evidence,
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
    /// From the rollout's first moment.
    tasks: Option<StoppingTasks>,
    judge: Judge,
    placement: Placement,
    sign: Option<Sign>,
    evidence: Option<Evidence>,
    reached: Option<&'static str>,
    /// The rollout whose wait for somebody's word was met.
    met: Option<RolloutId>,
    /// Since when a rollout that failed is asked for the one that rolls it back.
    behind: Behind,
    /// The wait that was told last.
    waiting: Option<&'static str>,
    /// Why no request is sent.
    unprobed: Option<String>,
}

/// What runs now.
#[derive(Default)]
enum Current {
    #[default]
    Nothing,
    Build(String, BuildTold),
    Rollout(RolloutId, RolloutTold),
}

impl Current {
    fn subject(&self) -> &'static str {
        match self {
            Self::Nothing => SUBJECT,
            Self::Build(..) => "Build",
            Self::Rollout(..) => "Deploy",
        }
    }
}

impl<'a, S: Strategy> Follower<'a, S> {
    fn new(watch: Watch<'a>, strategy: &'a S, following: Following<'a>) -> Self {
        Self {
            watch,
            strategy,
            judge: Judge::new(following.budget),
            placement: Placement::default(),
            following,
            execution: Execution::default(),
            actions: Vec::new(),
            current: Current::Nothing,
            build: None,
            rollout: None,
            rollback: None,
            rollback_told: RolloutTold::default(),
            probe: None,
            tasks: None,
            sign: None,
            evidence: None,
            reached: None,
            met: None,
            behind: Behind::default(),
            waiting: None,
            unprobed: None,
        }
    }

    /// Looks once at everything that can still change: while a build or a rollout runs that is it alone, for the
    /// execution waits for it.
    async fn look(&mut self) -> anyhow::Result<Look<Execution>> {
        if execution_progress(&self.execution.status) != Progress::Running {
            return self.look_behind().await;
        }
        if !matches!(self.current, Current::Nothing) {
            let news = self.look_at_current().await?;
            if self.has_come_so_far() {
                return Ok(Look::Ended(self.execution.clone()));
            }
            // What comes next may be there already.
            let ended = matches!(self.current, Current::Nothing);
            return Ok(if news || ended { Look::News } else { Look::Nothing });
        }
        let Following { pipeline, execution, .. } = self.following;
        let execution = self.watch.aws.get_execution(pipeline, execution).await?;
        let ended = execution_progress(&execution.status) != Progress::Running;
        let news = self.look_at_actions().await?;
        // Not before: where that look failed, the next one asks again how the actions ended.
        self.execution = execution;
        if ended {
            return self.look_behind().await;
        }
        Ok(if news { Look::News } else { Look::Nothing })
    }

    /// Looks at a rollout that no execution waits for.
    async fn look_at_rollout(&mut self, id: &RolloutId) -> anyhow::Result<Look<Execution>> {
        if self.rollout.is_none() {
            self.begin_rollout(id.clone()).await?;
        } else if !matches!(self.current, Current::Nothing) && self.look_at_current().await? {
            return Ok(Look::News);
        }
        if self.has_come_so_far() {
            return Ok(Look::Ended(self.execution.clone()));
        }
        match self.current {
            Current::Nothing => self.look_behind().await,
            _ => Ok(Look::Nothing),
        }
    }

    /// Whether it need not be followed any farther.
    fn has_come_so_far(&mut self) -> bool {
        self.reached = self.following.until.filter(|event| self.is_over(event));
        self.reached.is_some()
    }

    /// Whether a lifecycle event of the rollout has gone well. Those of one that fails are all passed over.
    fn is_over(&self, event: &str) -> bool {
        let goes_well = |rollout: &&Rollout| rollout.progress != Progress::Failed && self.sign.is_none();
        let steps = self.rollout.iter().filter(goes_well).flat_map(|rollout| &rollout.steps);
        steps.into_iter().any(|step| step.name == event && step.progress == Some(Progress::Succeeded))
    }

    /// The execution has ended; a rollback may still run, or come, and counts: requests are watched to its end.
    async fn look_behind(&mut self) -> anyhow::Result<Look<Execution>> {
        self.look_at_current().await?;
        let over = Look::Ended(self.execution.clone());
        let Some(rollout) = &self.rollout else { return Ok(over) };
        let Some(id) = rollout.rolled_back_by.clone() else {
            let now = self.watch.session.clock.now();
            if rollout.progress != Progress::Failed || !self.behind.waits(now, self.watch.aws.is_local()) {
                return Ok(over);
            }
            self.rollout = Some(self.strategy.look(&rollout.id).await?);
            return Ok(Look::Nothing);
        };
        let rollback = self.strategy.look(&id).await?;
        let news = self.rollback_told.tell(self.watch, &rollback) | self.look_at_tasks().await?;
        let running = rollback.progress == Progress::Running;
        self.rollback = Some(rollback);
        Ok(match running {
            true if news => Look::News,
            true => Look::Nothing,
            false => over,
        })
    }

    async fn look_at_current(&mut self) -> anyhow::Result<bool> {
        let (ended, news) = match &mut self.current {
            Current::Nothing => return Ok(false),
            Current::Build(id, told) => {
                let (build, news) = told.look(self.watch, id).await?;
                let progress = build_progress(&build.status);
                if let (Progress::Succeeded, Some(scaling)) = (progress, self.following.scaling) {
                    let run = self.actions.iter().find(|run| run.external_id.as_ref() == Some(id));
                    scaling.suspend_behind(run.map(|run| run.action.as_str())).await;
                }
                (progress != Progress::Running, news)
            }
            Current::Rollout(id, told) => {
                let rollout = self.strategy.look(id).await?;
                let news = told.tell(self.watch, &rollout);
                let ended = rollout.progress != Progress::Running;
                if let Some(tasks) = &mut self.tasks {
                    tasks.note(&rollout);
                }
                self.following.waits.tell(&self.watch.session.printer, &rollout, &mut self.waiting);
                self.rollout = Some(rollout);
                let news = self.look_at_tasks().await? | news;
                self.judge().await?;
                (ended, news)
            }
        };
        self.tell_state();
        if ended {
            let told = What::Reached { changed: false, failed: false };
            self.watch.session.printer.tell(Event::new(None, self.current.subject(), told));
            self.current = Current::Nothing;
        }
        Ok(news)
    }

    /// How what runs stands at this moment, for screens.
    fn tell_state(&self) {
        let printer = &self.watch.session.printer;
        if let (Current::Rollout(..), Some(rollout)) = (&self.current, &self.rollout) {
            let waits = self.following.waits.left(rollout, Timestamp::now());
            let state = state_of(rollout);
            let state = What::State(waits.map_or(state.clone(), |waits| format!("{waits}; {state}")));
            printer.tell(Event::new(None, self.current.subject(), state));
        }
        if let Some(probe) = &self.probe {
            tell_requests(printer, SUBJECT, probe);
        }
    }

    async fn look_at_actions(&mut self) -> anyhow::Result<bool> {
        let Following { pipeline, execution, .. } = self.following;
        let runs = self.watch.aws.action_runs(pipeline, execution).await?;
        let mut news = false;
        for run in &runs {
            let told = self.actions.iter().any(|old| (&old.id, &old.status) == (&run.id, &run.status));
            if !told {
                news = true;
                tell_action(&self.watch.session.printer, run);
            }
        }
        self.actions = runs;
        self.begin().await?;
        Ok(news)
    }

    /// Takes up the newest run of an action that has something of its own to follow and was not followed yet.
    async fn begin(&mut self) -> anyhow::Result<()> {
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

    async fn begin_rollout(&mut self, id: RolloutId) -> anyhow::Result<()> {
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

    fn place(&self) -> (&'a str, &'a str) {
        (self.following.cluster, self.following.service)
    }

    async fn look_at_tasks(&mut self) -> anyhow::Result<bool> {
        let (watch, place) = (self.watch, self.place());
        match &mut self.tasks {
            Some(tasks) => tasks.look(watch, place).await,
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
