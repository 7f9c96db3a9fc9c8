//! The release lock: while what carries production is changed, no release deploys.
//!
//! The pipeline's stage that deploys is closed to further executions, and what deploys already is waited for. That binds
//! the pipeline only: not retries, not deployments by hand, not the rollback of an alarm; so it is looked at again before
//! each execution, and after it. The lock is opened again on every exit. That of a run that was killed is known by its
//! reason: the next run opens it.

use std::time::Duration;

use seatrial_project::Environment;
use tokio::sync::Mutex;

use crate::aws::status::{Progress, StackPhase, execution_cancelled, execution_progress, stack_phase};
use crate::aws::{Execution, StageState};
use crate::commands::deployed::Deployed;
use crate::context::Ctx;
use crate::exit::DeadlinePassed;
use crate::follow::Look;
use crate::plan::owned::Owned;
use crate::rollout::{CodeDeploy, Strategy as _};

/// The stacks whose update takes the lock.
const GUARDED: [&str; 4] = ["load-balancer", "service", "deployment", "pipeline"];
/// How the reason of every lock of ours begins. CodePipeline takes letters, digits, and of other characters few.
const REASON: &str = "Seatrial provision holds releases";
/// Besides what a deployment waits for on purpose, which may be a day and longer.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// CodePipeline cancels what is held back at once.
const CANCELLATION: Duration = Duration::from_secs(60);

/// Held from the first stack that needs it to the end of the run.
pub(super) struct ReleaseLock<'a> {
    ctx: &'a Ctx,
    pipeline: Option<String>,
    /// CodeDeploy's application and deployment group.
    deployments: Option<(String, String)>,
    patience: Duration,
    reason: String,
    /// Whether this run has closed the stage.
    held: Mutex<bool>,
}

/// Until somebody has it move traffic, and until it ends the original tasks.
fn waits(environment: &Environment) -> Duration {
    let minutes = environment.ready_wait_minutes() + environment.deployment.terminate_blue_after.0;
    Duration::from_secs(60 * u64::from(minutes))
}

pub(super) fn is_guarded(stack: &str) -> bool {
    GUARDED.contains(&stack)
}

impl<'a> ReleaseLock<'a> {
    pub(super) fn of(ctx: &'a Ctx, deployed: &Deployed) -> Self {
        let output = |owned| deployed.output(owned).map(str::to_owned);
        Self {
            ctx,
            pipeline: output(Owned::PipelineName),
            deployments: output(Owned::CodeDeployApplicationName).zip(output(Owned::DeploymentGroupName)),
            patience: PATIENCE + waits(&ctx.environment),
            reason: format!("{REASON} - {:08x}", rand::random::<u32>()),
            held: Mutex::default(),
        }
    }

    /// Closes the stage that deploys, and waits until nothing deploys. Asked again before each execution: somebody may
    /// have opened it.
    ///
    /// # Errors
    /// [`crate::exit::DeadlinePassed`] among others.
    pub(super) async fn hold(&self) -> anyhow::Result<()> {
        let mut held = self.held.lock().await;
        // Asked once a time: the pipeline's own update may call it otherwise.
        let stage = self.stage().await?;
        if let (Some(pipeline), Some(stage)) = (&self.pipeline, &stage) {
            self.close((pipeline, stage), &mut held).await?;
        }
        let mut poll = self.ctx.watch().poll("the deployment in progress", self.patience);
        let mut told = None;
        poll.until(async || {
            let Some(busy) = self.busy(stage.as_deref()).await? else { return Ok(Look::Ended(())) };
            if told.as_ref() != Some(&busy) {
                self.ctx.printer().event("release lock", format_args!("waiting for {busy}"));
                told = Some(busy);
            }
            Ok(Look::Nothing)
        })
        .await
    }

    /// The name of the stage that deploys; `None` without a pipeline.
    async fn stage(&self) -> anyhow::Result<Option<String>> {
        let Some(pipeline) = &self.pipeline else { return Ok(None) };
        let asked = async {
            match self.ctx.aws.action_of(pipeline, CodeDeploy::PROVIDER).await {
                Err(error) if error.is("PipelineNotFoundException") => Ok(None),
                found => found.map(|action| Some(action.stage)),
            }
        };
        self.ctx.reading(asked).await
    }

    async fn close(&self, (pipeline, stage): (&str, &str), held: &mut bool) -> anyhow::Result<()> {
        let ctx = self.ctx;
        let stages = ctx.reading(ctx.aws.pipeline_state(pipeline)).await?.unwrap_or_default();
        let Some(stage) = stages.into_iter().find(|found| found.name == stage) else { return Ok(()) };
        let ours = stage.disabled_because.as_deref().is_some_and(|reason| reason.starts_with(REASON));
        if !stage.enabled && (!ours || stage.disabled_because.as_deref() == Some(&self.reason)) {
            // Closed already, perhaps by a person: then it stays so afterwards.
            return Ok(());
        }
        ctx.session.cancel.check()?;
        *held = true;
        ctx.aws.disable_transition((pipeline, &stage.name), &self.reason).await?;
        let text = format_args!("stage {} of pipeline {pipeline} takes no release meanwhile", stage.name);
        ctx.printer().event("release lock", text);
        Ok(())
    }

    /// What deploys now, in this stage or by hand, if anything does.
    async fn busy(&self, stage: Option<&str>) -> anyhow::Result<Option<String>> {
        let ctx = self.ctx;
        if let (Some(pipeline), Some(stage)) = (&self.pipeline, stage) {
            let stages = ctx.aws.pipeline_state(pipeline).await?.unwrap_or_default();
            if stages.iter().any(|found| found.name == stage && is_busy(found)) {
                return Ok(Some(format!("what pipeline {pipeline} deploys")));
            }
        }
        let Some((application, group)) = &self.deployments else { return Ok(None) };
        let active = ctx.aws.active_deployments(application, group).await?;
        Ok(active.into_iter().next().map(|id| format!("deployment {id}")))
    }

    /// Whether something deploys that the lock does not bind.
    pub(super) async fn is_broken(&self) -> anyhow::Result<bool> {
        let stage = self.stage().await?;
        Ok(self.busy(stage.as_deref()).await?.is_some())
    }

    /// What the pipeline holds back: its update cancels that. What runs is waited for until it is held back too, or has
    /// ended; only then is nothing cut off.
    pub(super) async fn executions(&self) -> anyhow::Result<Vec<Execution>> {
        let Some(pipeline) = &self.pipeline else { return Ok(Vec::new()) };
        let what = format!("what pipeline `{pipeline}` runs");
        let mut poll = self.ctx.watch().poll(what, self.patience);
        poll.until(async || {
            let stages = self.ctx.aws.pipeline_state(pipeline).await?.unwrap_or_default();
            Ok(if stages.iter().any(is_busy) { Look::Nothing } else { Look::Ended(()) })
        })
        .await?;
        let listing =
            self.ctx.aws.list_executions(pipeline, |found| found.iter().any(|one| !is_running(one)));
        let executions = self.ctx.reading(listing).await?.unwrap_or_default();
        Ok(executions.into_iter().filter(is_running).collect())
    }

    /// Starts again what the pipeline's update has cancelled, the oldest first, and names it.
    pub(super) async fn start_again(&self, before: Vec<Execution>) -> anyhow::Result<()> {
        let Some(pipeline) = &self.pipeline else { return Ok(()) };
        for execution in before.into_iter().rev() {
            let what = format!("the end of execution `{}`", execution.id);
            let mut poll = self.ctx.watch().poll(what, CANCELLATION);
            let now = poll.until(async || {
                let now = self.ctx.aws.get_execution(pipeline, &execution.id).await?;
                Ok(if is_running(&now) { Look::Nothing } else { Look::Ended(now) })
            });
            let now = match now.await {
                // Not every update cancels: then it goes on as it is.
                Err(error) if error.is::<DeadlinePassed>() => continue,
                now => now?,
            };
            if !execution_cancelled(&now.status) {
                continue;
            }
            let source = self.ctx.aws.action_of(pipeline, "CodeStarSourceConnection").await?.name;
            let revision = now.revision.or(execution.revision);
            let revision = revision.as_deref().map(|revision| (source.as_str(), revision));
            let id = self.ctx.aws.start_execution(pipeline, revision).await?;
            let text = format_args!(
                "execution {} was cancelled by the pipeline's update; its revision {} goes on as execution {id}",
                execution.id,
                revision.map_or("(the branch's head)", |(_, revision)| revision)
            );
            self.ctx.printer().event("release lock", text);
        }
        Ok(())
    }

    /// Opens what this run closed, and what a run that was killed left closed. Awaited on every exit.
    pub(super) async fn release(&self) -> anyhow::Result<()> {
        let held = self.held.lock().await;
        let Some(pipeline) = &self.pipeline else { return Ok(()) };
        if !*held {
            return open_left(self.ctx, pipeline).await;
        }
        let stages = self.ctx.aws.pipeline_state(pipeline).await?.unwrap_or_default();
        // None where it is somebody else's by now.
        if let Some(stage) = closed_by(&stages, &self.reason) {
            self.ctx.aws.enable_transition((pipeline, &stage.name)).await?;
        }
        Ok(())
    }
}

/// Opens the lock of a run that was killed. One that still runs closes it again before it executes anything; while it
/// executes, one of its stacks is in progress.
pub(super) async fn open_left(ctx: &Ctx, pipeline: &str) -> anyhow::Result<()> {
    let stages = ctx.reading(ctx.aws.pipeline_state(pipeline)).await?.unwrap_or_default();
    let Some(stage) = closed_by(&stages, REASON) else { return Ok(()) };
    let deployed = Deployed::read(ctx).await?;
    if deployed.stacks.values().any(|stack| stack_phase(&stack.status) == StackPhase::InProgress) {
        return Ok(());
    }
    ctx.session.cancel.check()?;
    ctx.aws.enable_transition((pipeline, &stage.name)).await?;
    ctx.printer().event("release lock", "an earlier run left releases held: they go on");
    Ok(())
}

/// The stage that is closed for a reason that begins so.
fn closed_by<'a>(stages: &'a [StageState], reason: &str) -> Option<&'a StageState> {
    let closed =
        |stage: &&StageState| stage.disabled_because.as_deref().is_some_and(|why| why.starts_with(reason));
    stages.iter().find(closed)
}

/// A stage that was never entered has no status.
fn is_busy(stage: &StageState) -> bool {
    !stage.status.is_empty() && execution_progress(&stage.status) == Progress::Running
}

fn is_running(execution: &Execution) -> bool {
    execution_progress(&execution.status) == Progress::Running
}
