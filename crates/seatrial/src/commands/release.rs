//! `cargo xtask release`: releases one commit through the pipeline and follows it to its end.
//!
//! Changes in AWS: starts a pipeline execution, unless one of this commit runs (a push starts one) or this
//! commit is what was released last.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

use super::deployed::Deployed;
use crate::aws::Execution;
use crate::aws::status::{Progress, deployment_progress, execution_progress};
use crate::cli::{Globals, ReleaseArgs};
use crate::context::Ctx;
use crate::exit::{ExitStatus, Refused};
use crate::follow::{ProbeTarget, ReleaseEnd, ReleaseWatch, Requests, follow_release};
use crate::output::Printer;
use crate::process;

/// The source action's name in `infra/stacks/pipeline.yml`: that of its stage.
const SOURCE_ACTION: &str = "Source";

pub(crate) async fn run(globals: Globals, printer: Printer, args: ReleaseArgs) -> anyhow::Result<ExitStatus> {
    let ctx = Ctx::connect(&globals, printer).await?;
    let plan = plan(&ctx, &args).await?;
    if args.consent.dry_run {
        ctx.printer.result(&plan)?;
        return Ok(ExitStatus::Done);
    }
    if !matches!(plan.step, Step::Nothing) {
        ctx.printer.note(&plan);
    }
    let execution = match &plan.step {
        Step::Nothing => {
            ctx.printer.result(&plan)?;
            return Ok(ExitStatus::Done);
        }
        Step::Join { execution } => execution.clone(),
        Step::Start => start(&ctx, &plan.place, plan.revision.as_deref()).await?,
    };
    if args.no_wait {
        ctx.printer.note(format_args!("execution {execution} runs; `cargo xtask release` follows it"));
        return Ok(ExitStatus::Done);
    }
    let probe = Probing { rate: args.rate, at_least: 0 };
    let release = follow(&ctx, &plan.place, ("deploy", &execution), probe).await?;
    ctx.printer.result(&release)?;
    Ok(release.exit_status())
}

/// Where releases go: names from the stacks' outputs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Place {
    pub pipeline: String,
    pub cluster: String,
    pub service: String,
    pub url: String,
}

impl Place {
    pub(crate) fn of(deployed: &Deployed) -> Result<Self, Refused> {
        let output = |name| deployed.required(name).map(str::to_owned);
        Ok(Self {
            pipeline: output("PipelineName")?,
            cluster: output("ClusterName")?,
            service: output("ServiceName")?,
            url: output("Url")?,
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
enum Step {
    /// The commit was released last.
    Nothing,
    /// An execution of the commit runs.
    Join {
        execution: String,
    },
    Start,
}

#[derive(Debug, Serialize)]
struct ReleasePlan {
    /// `None` for a tree that is no git checkout: the source action takes it as it is.
    revision: Option<String>,
    #[serde(flatten)]
    step: Step,
    #[serde(flatten)]
    place: Place,
}

impl fmt::Display for ReleasePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.revision.as_deref().map_or("the tree as it is", short);
        match &self.step {
            Step::Nothing => write!(f, "{revision} is released already; `--again` releases it once more"),
            Step::Join { execution } => {
                write!(f, "{revision} is being released: following execution {execution}")
            }
            Step::Start => write!(f, "releasing {revision} through pipeline `{}`", self.place.pipeline),
        }
    }
}

fn short(revision: &str) -> &str {
    revision.get(..12).unwrap_or(revision)
}

async fn plan(ctx: &Ctx, args: &ReleaseArgs) -> anyhow::Result<ReleasePlan> {
    let deployed = Deployed::read(&ctx.aws, &ctx.environment).await?;
    let place = Place::of(&deployed)?;
    let head = process::head_commit(&ctx.root)?;
    if head.as_ref().is_some_and(|head| head.dirty) {
        ctx.printer.warning("the tree has changes that are not committed: they are not released");
    }
    let revision = head.map(|head| head.commit);
    let executions = ctx.aws.list_executions(&place.pipeline).await?.unwrap_or_default();
    let step = step(&executions, revision.as_deref(), args.again);
    Ok(ReleasePlan { revision, step, place })
}

/// An execution whose revision is not known yet was started a moment ago, by a push or by the pipeline's
/// creation: it takes the branch's newest commit.
fn step(executions: &[Execution], revision: Option<&str>, again: bool) -> Step {
    let running = executions.iter().find(|execution| {
        let same = execution.revision.is_none() || execution.revision.as_deref() == revision;
        execution_progress(&execution.status) == Progress::Running && same
    });
    if let Some(execution) = running {
        return Step::Join { execution: execution.id.clone() };
    }
    let last = executions.iter().find(|e| execution_progress(&e.status) == Progress::Succeeded);
    let released = revision.is_some() && last.is_some_and(|last| last.revision.as_deref() == revision);
    if released && !again { Step::Nothing } else { Step::Start }
}

/// How a release is probed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probing {
    /// Requests a second; none at 0.
    pub rate: u32,
    /// At the least so many.
    pub at_least: u64,
}

/// A release that has ended.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Release {
    pub scenario: String,
    pub source_revision: String,
    pub pipeline_execution_id: String,
    pub deployment_id: Option<String>,
    /// The execution's status as AWS spells it.
    pub status: String,
    pub rolled_back: bool,
    pub duration_s: f64,
    pub requests: Requests,
    pub url: String,
    /// Why it failed: from the stage down to the stopped tasks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

impl Release {
    pub(crate) fn exit_status(&self) -> ExitStatus {
        let released = execution_progress(&self.status) == Progress::Succeeded;
        if released && self.requests.failed == 0 { ExitStatus::Done } else { ExitStatus::Failed }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.rolled_back { " and was rolled back" } else { "" };
        let revision = short(&self.source_revision);
        writeln!(f, "release of {revision}: {}{end} in {:.1} s", self.status, self.duration_s)?;
        for reason in &self.reasons {
            writeln!(f, "  {reason}")?;
        }
        let r = &self.requests;
        if r.sent > 0 {
            writeln!(
                f,
                "  requests: {} sent, {} failed, {:.0} a second, p50 {} ms, p99 {} ms, slowest {} ms",
                r.sent, r.failed, r.rate, r.p50_ms, r.p99_ms, r.max_ms
            )?;
        }
        for failure in &r.failures {
            writeln!(f, "  failed request: {failure}")?;
        }
        // In the alternate form without the address: that of a rehearsal is gone when it is read.
        if f.alternate() { Ok(()) } else { write!(f, "  {}", self.url) }
    }
}

/// Starts an execution of `revision`, else of the branch's newest commit; answers its id.
pub(crate) async fn start(ctx: &Ctx, place: &Place, revision: Option<&str>) -> anyhow::Result<String> {
    Ok(ctx.aws.start_execution(&place.pipeline, SOURCE_ACTION, revision).await?)
}

/// Follows one execution to its end, telling what happens.
pub(crate) async fn follow(
    ctx: &Ctx,
    place: &Place,
    (scenario, execution): (&str, &str),
    probing: Probing,
) -> anyhow::Result<Release> {
    let started = Instant::now();
    let Probing { rate, at_least } = probing;
    let probe = (rate > 0).then(|| ProbeTarget { url: place.url.clone(), rate, at_least });
    let watch = ReleaseWatch {
        pipeline: &place.pipeline,
        execution,
        cluster: &place.cluster,
        service: &place.service,
        probe,
    };
    let end = follow_release(&ctx.aws, watch, &ctx.sink()).await?;
    let reasons = reasons(&end);
    let rolled_back =
        end.rollback.as_ref().is_some_and(|r| deployment_progress(&r.status) == Progress::Succeeded);
    Ok(Release {
        scenario: scenario.to_owned(),
        source_revision: end.execution.revision.unwrap_or_default(),
        pipeline_execution_id: execution.to_owned(),
        deployment_id: end.deployment.map(|deployment| deployment.id),
        status: end.execution.status,
        rolled_back,
        duration_s: (started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        requests: end.requests.unwrap_or_default(),
        url: place.url.clone(),
        reasons,
    })
}

/// One explanation, from the action that failed to the tasks that ended.
fn reasons(end: &ReleaseEnd) -> Vec<String> {
    if execution_progress(&end.execution.status) == Progress::Succeeded {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    let failed = end.actions.iter().filter(|run| execution_progress(&run.status) == Progress::Failed);
    for run in failed {
        let why = run.error.as_ref().or(run.summary.as_ref());
        reasons.push(format!("{} {}: {}", run.stage, run.status, why.map_or("no reason given", |w| w)));
    }
    if let Some(deployment) = &end.deployment {
        let untold = |text: &str| !reasons.iter().any(|reason: &String| reason.contains(text));
        let error = deployment.error.as_deref().filter(|error| {
            // `CODE: message`; the action's error has the message already.
            untold(error.split_once(": ").map_or(*error, |(_, message)| message))
        });
        let error = error.map(|error| format!("deployment {}: {error}", deployment.id));
        let failed = deployment.events.iter().filter(|event| event.status == "Failed");
        let events: Vec<String> = failed
            .map(|event| match event.diagnostics.as_deref().filter(|text| untold(text)) {
                Some(why) => format!("lifecycle event {} failed: {why}", event.name),
                None => format!("lifecycle event {} failed", event.name),
            })
            .collect();
        reasons.extend(error);
        reasons.extend(events);
        reasons.extend(deployment.rollback_message.clone());
    }
    let mut stops: Vec<String> =
        end.stopped.iter().map(|task| format!("task stopped: {}", task.reason)).collect();
    stops.dedup();
    reasons.extend(stops);
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(id: &str, status: &str, revision: Option<&str>) -> Execution {
        Execution { id: id.to_owned(), status: status.to_owned(), revision: revision.map(str::to_owned) }
    }

    #[test]
    fn an_execution_of_the_commit_that_runs_is_joined() {
        let executions = [execution("2", "InProgress", Some("b")), execution("1", "Succeeded", Some("a"))];

        assert!(matches!(step(&executions, Some("b"), false), Step::Join { execution } if execution == "2"));
        assert!(matches!(step(&executions, Some("c"), false), Step::Start));
    }

    #[test]
    fn a_commit_that_was_released_last_is_released_again_only_when_told() {
        let executions = [execution("2", "Failed", Some("b")), execution("1", "Succeeded", Some("a"))];

        assert!(matches!(step(&executions, Some("a"), false), Step::Nothing));
        assert!(matches!(step(&executions, Some("a"), true), Step::Start));
        assert!(matches!(step(&executions, Some("b"), false), Step::Start));
    }
}
