//! What is known of an execution: asked once it has ended, or while it runs.

use crate::aws::status::{Progress, execution_progress};
use crate::aws::{ActionRun, Build, Execution};
use crate::commands::deployed::Place;
use crate::context::Ctx;
use crate::follow::{CHECK_ACTION, Followed, Requests, Sign, TaskEvidence, evidence_of};
use crate::rollout::{Rollout, RolloutId, Strategy};
use seatrial_permissions::Sources;

/// Lines at the end of a build's log among which its errors are looked for.
const LINES: i32 = 400;
/// The providers of actions that have something of their own to tell, as AWS spells them.
const BUILD: &str = "CodeBuild";
const ROLLOUT: &str = "CodeDeployToECS";

/// Everything that a story is made of.
#[derive(Default)]
pub(crate) struct Facts {
    pub execution: Execution,
    /// The action that failed, at its latest attempt.
    pub failed: Option<ActionRun>,
    /// The build that failed, and the end of its log.
    pub build: Option<(Build, Vec<String>)>,
    /// The end of the log of the checks that did not let the rollout go on.
    pub check: Option<Vec<String>>,
    pub rollout: Option<Rollout>,
    pub rollback: Option<Rollout>,
    /// Why it was stopped before its time.
    pub sign: Option<Sign>,
    pub tasks: Vec<TaskEvidence>,
    pub requests: Option<Requests>,
    /// Where the stacks' roles stand.
    pub roles: Roles,
}

/// The roles of the templates, found by the names that CloudFormation gives them.
#[derive(Default)]
pub(crate) struct Roles {
    /// What stands before the names of the stacks.
    pub prefix: String,
    pub sources: Sources,
}

impl Roles {
    /// None where the templates cannot be read: then nothing can be told of them.
    fn of(ctx: &Ctx) -> Self {
        let templates = crate::plan::load(&ctx.root).unwrap_or_default();
        let sources = crate::commands::permissions::sources(&templates).unwrap_or_default();
        Self { prefix: ctx.environment.stack_name(""), sources }
    }

    /// Where the first role stands that a text names.
    pub(super) fn place(&self, text: &str) -> Option<String> {
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.find_map(|word| {
            let place = self.sources.role_by_name(&self.prefix, word)?;
            Some(format!("role `{word}` stands at {place}"))
        })
    }
}

impl Facts {
    /// Of a release that was followed to its end.
    pub(crate) async fn of(ctx: &Ctx, followed: &Followed) -> anyhow::Result<Self> {
        let failed = failed(&followed.actions);
        Ok(Self {
            execution: followed.execution.clone(),
            build: build(ctx, failed.as_ref()).await?,
            check: check(ctx, &followed.actions).await?,
            failed,
            rollout: followed.rollout.clone(),
            rollback: followed.rollback.clone(),
            sign: followed.sign.clone(),
            tasks: followed.evidence.clone().map(|evidence| evidence.tasks).unwrap_or_default(),
            requests: followed.requests.clone(),
            roles: Roles::of(ctx),
        })
    }

    /// Of an execution that nobody follows: what AWS still knows of it.
    pub(super) async fn read(ctx: &Ctx, place: &Place, execution: Execution) -> anyhow::Result<Self> {
        let actions = ctx.reading(ctx.aws.action_runs(&place.pipeline, &execution.id)).await?;
        let failed = failed(&actions);
        let deployed = actions.iter().rfind(|run| run.provider == ROLLOUT);
        let strategy = place.strategy(&ctx.aws);
        let mut facts = Self {
            execution,
            build: build(ctx, failed.as_ref()).await?,
            check: check(ctx, &actions).await?,
            failed,
            roles: Roles::of(ctx),
            ..Self::default()
        };
        if let Some(id) = deployed.and_then(|run| run.external_id.clone()) {
            let rollout = ctx.reading(strategy.look(&RolloutId(id))).await?;
            if let Some(back) = &rollout.rolled_back_by {
                facts.rollback = Some(ctx.reading(strategy.look(back)).await?);
            }
            if let Some(replacement) = rollout.replacement().filter(|_| rollout.progress == Progress::Failed)
            {
                let evidence =
                    evidence_of(&ctx.aws, (&place.cluster, &place.service), place.groups(), &replacement.id);
                facts.tasks = ctx.reading(evidence).await?.tasks;
            }
            facts.rollout = Some(rollout);
        }
        Ok(facts)
    }
}

/// Of an action that was tried again, the last attempt counts.
fn failures(actions: &[ActionRun]) -> impl Iterator<Item = &ActionRun> {
    let latest = actions.iter().enumerate().filter(move |(at, run)| {
        let again = |later: &ActionRun| (&later.stage, &later.action) == (&run.stage, &run.action);
        !actions.iter().skip(at + 1).any(again)
    });
    latest.map(|(_, run)| run).filter(|run| execution_progress(&run.status) == Progress::Failed)
}

/// The action that failed; the checks only where nothing else did, for they fail with whatever they stop.
fn failed(actions: &[ActionRun]) -> Option<ActionRun> {
    let others = failures(actions).find(|run| run.action != CHECK_ACTION);
    others.or_else(|| failures(actions).next()).cloned()
}

/// The log of the checks that failed.
async fn check(ctx: &Ctx, actions: &[ActionRun]) -> anyhow::Result<Option<Vec<String>>> {
    let failed = failures(actions).find(|run| run.action == CHECK_ACTION);
    Ok(build(ctx, failed).await?.map(|(_, log)| log))
}

async fn build(ctx: &Ctx, failed: Option<&ActionRun>) -> anyhow::Result<Option<(Build, Vec<String>)>> {
    let id = failed.filter(|run| run.provider == BUILD).and_then(|run| run.external_id.as_ref());
    let Some(id) = id else { return Ok(None) };
    let build = ctx.reading(ctx.aws.get_build(id)).await?;
    let mut lines = Vec::new();
    if let (Some(group), Some(stream)) = (&build.log_group, &build.log_stream) {
        match ctx.reading(ctx.aws.last_log_lines((group, stream), LINES)).await {
            Ok(found) => lines.extend(found.into_iter().map(|line| line.text.trim_end().to_owned())),
            Err(error) => lines.push(format!("its log cannot be read: {error:#}").replace('\n', " ")),
        }
    }
    Ok(Some((build, lines)))
}
