//! `cargo xtask release`: releases one commit through the pipeline and follows it to its end.
//!
//! Changes in AWS: starts a pipeline execution, unless one of this commit runs (a push starts one) or this
//! commit is what was released last. With `--continue` it has the deployment that waits for that move traffic.

mod waiting;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::alarms::Alarms;
use super::breaking;
use super::deployed::{Deployed, Place};
use super::released::{Patience, Probing, Release, follow, follow_by_hand, short};
use super::report::{self, ReportFile};
use crate::aws::Execution;
use crate::aws::status::{Progress, execution_progress};
use crate::cli::ReleaseArgs;
use crate::context::Ctx;
use crate::follow::{Look, Watch};
use crate::git::{Head, resolve};
use crate::outcome::Report;
use crate::rollout::RolloutId;
use waiting::{Waiting, find};

/// The provider of the pipeline's source action, as AWS spells it.
const SOURCE_PROVIDER: &str = "CodeStarSourceConnection";
/// The source action takes seconds; an execution that has no revision after this time is stuck behind another.
const SOURCE_PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What `release` prints: the plan, or the release that was followed.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Releasing {
    Planned(ReleasePlan),
    /// Started, not followed.
    Started(ReleasePlan),
    Ended(Box<Release>),
}

impl fmt::Display for Releasing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned(plan) => plan.fmt(f),
            Self::Started(plan) => {
                let execution = plan.pipeline_execution_id.as_deref().unwrap_or_default();
                write!(f, "execution {execution} runs")
            }
            Self::Ended(release) => release.fmt(f),
        }
    }
}

pub(crate) async fn run(ctx: &Ctx, args: &ReleaseArgs) -> anyhow::Result<Report<Releasing>> {
    let file = ReportFile::wanted(args.report.as_deref())?;
    if file.is_some() {
        ctx.printer().record_all();
    }
    let mut report = run_as_told(ctx, args).await?;
    match (&report.fields, file) {
        (Releasing::Ended(release), file) => {
            let shown = show(ctx, release, (report.errors.is_empty(), file)).await;
            report.errors.extend(shown.err());
        }
        (_, Some(_)) => ctx.printer().note("no report is written: no release was followed"),
        (_, None) => {}
    }
    Ok(report)
}

/// On the page of the local cloud, and in the report where one is wanted. `well`: nothing is wrong with the release.
async fn show(ctx: &Ctx, release: &Release, (well, file): (bool, Option<ReportFile>)) -> anyhow::Result<()> {
    match (file, ctx.own_local_cloud()) {
        (Some(file), _) => file.write(report::released(ctx, release, well).await?),
        // The release is over, whether its page knows of it or not.
        (None, Some(_)) => {
            if let Err(error) = report::tell(ctx, release, well).await {
                ctx.printer().warning(format_args!("the page does not know of the release: {error:#}"));
            }
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

async fn run_as_told(ctx: &Ctx, args: &ReleaseArgs) -> anyhow::Result<Report<Releasing>> {
    let deployed = Deployed::read(ctx).await?;
    let place = Place::of(&deployed)?;
    let plan = if args.continues {
        plan_to_continue(ctx, &place).await?
    } else {
        plan(ctx, args, (&deployed, &place)).await?
    };
    if args.dry_run {
        return Ok(Report::done(Releasing::Planned(plan)));
    }
    let alarms = Alarms::of(ctx.watch(), &place, &deployed);
    if !args.ignore_alarms || plan.step == Step::Nothing {
        let left = alarms.recall(plan.runs).await?;
        let ended = carry_out(ctx, args, plan).await;
        return if left { alarms.recall(false).await.and(ended) } else { ended };
    }
    let before = alarms.ignore().await?;
    let ended = carry_out(ctx, args, plan).await;
    let Some(before) = before else { return ended };
    match (alarms.put_back(&before).await, ended) {
        (Ok(()), ended) => ended,
        (Err(error), Ok(mut report)) => {
            report.errors.push(error);
            Ok(report)
        }
        (Err(error), Err(ended)) => {
            ctx.printer().warning(format_args!("{error:#}"));
            Err(ended)
        }
    }
}

async fn carry_out(
    ctx: &Ctx,
    args: &ReleaseArgs,
    mut plan: ReleasePlan,
) -> anyhow::Result<Report<Releasing>> {
    if plan.step == Step::Nothing {
        // What a run left that was killed.
        plan.place.scaling(ctx).resume().await;
        return Ok(Report::done(Releasing::Planned(plan)));
    }
    ctx.printer().plan(&plan, false);
    let patience =
        Patience { timeout: args.timeout, until: args.wait_until.event(), continues: args.continues };
    let probing = Probing { rate: args.rate, at_least: 0 };
    let execution = match (&plan.pipeline_execution_id, &plan.deployment_id) {
        (Some(execution), _) => execution.clone(),
        (None, Some(id)) => {
            let id = RolloutId(id.clone());
            return Ok(ended(ctx, follow_by_hand(ctx, &plan.place, id, (probing, patience)).await?, None));
        }
        (None, None) => start(ctx, &plan.place, plan.revision.as_deref()).await?,
    };
    if args.no_wait {
        ctx.session.changes.leave();
        plan.pipeline_execution_id = Some(execution);
        return Ok(Report::done(Releasing::Started(plan)));
    }
    let release = follow(ctx, &plan.place, ("deploy", &execution), (probing, patience)).await?;
    Ok(ended(ctx, release, plan.revision.as_deref()))
}

/// `wanted`: the commit that was to be released.
fn ended(ctx: &Ctx, release: Release, wanted: Option<&str>) -> Report<Releasing> {
    let errors = release.errors(wanted);
    if release.reached.is_some() {
        ctx.session.changes.leave();
    }
    Report { fields: Releasing::Ended(Box::new(release)), errors }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// The commit was released last.
    Nothing,
    /// An execution of the commit runs.
    Join,
    Start,
    /// A deployment waits to be continued.
    Continue,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReleasePlan {
    /// `None` for a tree that is no git checkout: the source action takes it as it is.
    revision: Option<String>,
    step: Step,
    /// The execution that is joined, or was started.
    pipeline_execution_id: Option<String>,
    /// The deployment that is continued.
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_id: Option<String>,
    /// Whether alarms are to stop nothing meanwhile.
    ignore_alarms: bool,
    /// Whether any execution runs.
    #[serde(skip)]
    runs: bool,
    #[serde(flatten)]
    place: Place,
}

impl fmt::Display for ReleasePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.revision.as_deref().map_or("the tree as it is", short);
        match self.step {
            Step::Nothing => write!(f, "{revision} is released already; `--again` releases it once more"),
            Step::Join => {
                let execution = self.pipeline_execution_id.as_deref().unwrap_or_default();
                write!(f, "{revision} is being released: following execution {execution}")
            }
            Step::Continue => {
                let deployment = self.deployment_id.as_deref().unwrap_or_default();
                write!(f, "deployment {deployment} waits: it moves its traffic to the new revision")
            }
            Step::Start => write!(f, "releasing {revision} through pipeline `{}`", self.place.pipeline),
        }?;
        let ignores = self.ignore_alarms && self.step != Step::Nothing;
        if ignores { f.write_str(", whatever the alarms of its deployments say") } else { Ok(()) }
    }
}

async fn plan(
    ctx: &Ctx,
    args: &ReleaseArgs,
    (deployed, place): (&Deployed, &Place),
) -> anyhow::Result<ReleasePlan> {
    let revision = match &args.revision {
        Some(name) => Some(resolve(&ctx.root, name)?),
        None => checked_out(ctx)?,
    };
    let executions = known_executions(ctx.watch(), &place.pipeline, revision.as_deref()).await?;
    let (step, pipeline_execution_id) = step(&executions, revision.as_deref(), args.again);
    // One that runs already was not asked for here.
    if let Some(revision) = revision.as_ref().filter(|_| step == Step::Start) {
        breaking::refuse(ctx, (deployed, place), revision, args.allow_breaking_migration).await?;
    }
    if step != Step::Nothing {
        tell_others(ctx, &executions, pipeline_execution_id.as_deref());
    }
    let runs = executions.iter().any(running);
    let (ignore_alarms, place) = (args.ignore_alarms, place.clone());
    let deployment_id = None;
    Ok(ReleasePlan { revision, step, pipeline_execution_id, deployment_id, ignore_alarms, runs, place })
}

async fn plan_to_continue(ctx: &Ctx, place: &Place) -> anyhow::Result<ReleasePlan> {
    let Waiting { deployment, execution } = find(ctx, place).await?;
    let (revision, execution) = execution.map(|it| (it.revision, it.id)).unzip();
    Ok(ReleasePlan {
        revision: revision.flatten(),
        step: Step::Continue,
        pipeline_execution_id: execution,
        deployment_id: Some(deployment.0),
        ignore_alarms: false,
        runs: true,
        place: place.clone(),
    })
}

fn checked_out(ctx: &Ctx) -> anyhow::Result<Option<String>> {
    let head = Head::of(&ctx.root)?;
    if head.as_ref().is_some_and(|head| head.dirty) {
        ctx.printer().warning("the tree has changes that are not committed: they are not released");
    }
    Ok(head.map(|head| head.commit))
}

/// Executions of other commits go first, stage by stage; one that waits behind them may be superseded by a newer one.
fn tell_others(ctx: &Ctx, executions: &[Execution], joined: Option<&str>) {
    for other in executions.iter().filter(|e| running(e) && Some(e.id.as_str()) != joined) {
        let revision = other.revision.as_deref().map_or("an unknown commit", short);
        ctx.printer()
            .note(format_args!("execution {} of {revision} runs, too: stages are passed in turn", other.id));
    }
}

/// The executions, when it is known of those that run which commit each of them takes: one that was started a moment
/// ago, by a push or by the pipeline's creation, says so only once its source action has looked.
async fn known_executions(
    watch: Watch<'_>,
    pipeline: &str,
    revision: Option<&str>,
) -> anyhow::Result<Vec<Execution>> {
    let mut poll = watch.poll("the source action of the execution that runs", SOURCE_PATIENCE);
    poll.until(async || {
        let enough = |found: &[Execution]| found.iter().any(succeeded);
        let executions = watch.aws.list_executions(pipeline, enough).await?.unwrap_or_default();
        let unknown = |e: &Execution| running(e) && e.revision.is_none() && revision.is_some();
        let decided = executions.iter().any(|e| running(e) && e.revision.as_deref() == revision);
        Ok(match decided || !executions.iter().any(unknown) {
            true => Look::Ended(executions),
            false => Look::Nothing,
        })
    })
    .await
}

fn running(execution: &Execution) -> bool {
    execution_progress(&execution.status) == Progress::Running
}

fn succeeded(execution: &Execution) -> bool {
    execution_progress(&execution.status) == Progress::Succeeded
}

/// Joined is an execution of this very commit, and no other; a tree that is no checkout joins whatever runs.
fn step(executions: &[Execution], revision: Option<&str>, again: bool) -> (Step, Option<String>) {
    let of_this = |e: &&Execution| revision.is_none() || e.revision.as_deref() == revision;
    if let Some(execution) = executions.iter().filter(|e| running(e)).find(of_this) {
        return (Step::Join, Some(execution.id.clone()));
    }
    let last = executions.iter().find(|e| succeeded(e));
    let released = revision.is_some() && last.is_some_and(|last| last.revision.as_deref() == revision);
    (if released && !again { Step::Nothing } else { Step::Start }, None)
}

/// Starts an execution of `revision`, else of the branch's newest commit; answers its id.
pub(crate) async fn start(ctx: &Ctx, place: &Place, revision: Option<&str>) -> anyhow::Result<String> {
    let Some(revision) = revision else { return Ok(ctx.aws.start_execution(&place.pipeline, None).await?) };
    let source = ctx.aws.action_of(&place.pipeline, SOURCE_PROVIDER).await?;
    Ok(ctx.aws.start_execution(&place.pipeline, Some((&source.name, revision))).await?)
}

#[cfg(test)]
mod tests {
    mod scaling;

    use serde_json::json;

    use super::*;
    use crate::aws::tests::{of_account, stub};
    use crate::outcome::Outcome;
    use crate::output::{Format, Printer};
    use crate::plan::owned::Owned;
    use crate::session::{Resume, Session};

    #[tokio::test]
    async fn an_execution_that_turns_out_to_be_of_another_commit_is_waited_for_and_not_joined() {
        let (aws, calls) = stub(|_, before, _| {
            let revisions = if before < 2 { json!([]) } else { json!([{"actionName": "Source", "revisionId": "b"}]) };
            let summary = |id: &str, status: &str, revisions| {
                json!({"pipelineExecutionId": id, "status": status, "sourceRevisions": revisions})
            };
            let last = json!([{"actionName": "Source", "revisionId": "a"}]);
            let summaries = [summary("2", "InProgress", revisions), summary("1", "Succeeded", last)];
            json!({ "pipelineExecutionSummaries": summaries })
        })
        .await;
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let watch = Watch { aws: &aws, session: &session };

        let known = known_executions(watch, "p", Some("c")).await.unwrap();

        assert_eq!(calls.made().len(), 3);
        assert_eq!(step(&known, Some("c"), false), (Step::Start, None));
        assert_eq!(step(&known, Some("b"), false), (Step::Join, Some("2".to_owned())));
    }

    /// DescribeStacks of environment `production`, with every output that this tool needs.
    fn stacks() -> String {
        let pair = |(key, value): (&str, &str), (name, text): (&str, &str)| {
            format!("<member><{key}>{name}</{key}><{value}>{text}</{value}></member>")
        };
        let tag = |name: &str, text: &str| pair(("Key", "Value"), (name, text));
        let owners: std::collections::BTreeSet<&str> =
            Owned::ALL.iter().map(|output| output.stack()).collect();
        let stack = |short: &str| {
            let owned = Owned::ALL.iter().filter(|output| output.stack() == short);
            let outputs: String = owned
                .map(|output| pair(("OutputKey", "OutputValue"), (output.name(), output.name())))
                .collect();
            let tags = [("project", "web"), ("environment", "production"), ("stack", short)];
            let tags = tags.map(|(name, value)| tag(&format!("seatrial:{name}"), value)).concat();
            format!(
                "<member><StackName>web-production-{short}</StackName><StackStatus>CREATE_COMPLETE</StackStatus>\
                 <CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>{outputs}</Outputs><Tags>{tags}</Tags></member>"
            )
        };
        let stacks: String = owners.into_iter().map(stack).collect();
        let stacks = format!("<Stacks>{stacks}</Stacks>");
        let result = format!("<DescribeStacksResult>{stacks}</DescribeStacksResult>");
        format!("<DescribeStacksResponse>{result}</DescribeStacksResponse>")
    }

    /// What becomes of `release` where the execution that it starts never ends: the exit code, the object, and what was
    /// asked for.
    async fn released(args: ReleaseArgs) -> (u8, serde_json::Value, Vec<String>) {
        let session = Session::new(Printer::new(Format::Text), "cargo seatrial");
        released_where(args, session, |_, _, _| None).await
    }

    /// The same with answers of one's own.
    async fn released_where(
        args: ReleaseArgs,
        mut session: Session,
        own: impl Fn(&str, usize, &serde_json::Value) -> Option<serde_json::Value> + Send + Sync + 'static,
    ) -> (u8, serde_json::Value, Vec<String>) {
        let usual = |operation: &str| match operation {
            "DescribeStacks" => stacks().into(),
            "GetDeploymentGroup" => json!({ "deploymentGroupInfo": { "alarmConfiguration": {
                "enabled": true, "alarms": [{ "name": "errors" }],
            } } }),
            "ListPipelineExecutions" => json!({ "pipelineExecutionSummaries": [] }),
            "StartPipelineExecution" => json!({ "pipelineExecutionId": "e" }),
            "GetPipelineExecution" => {
                json!({ "pipelineExecution": { "pipelineExecutionId": "e", "status": "InProgress" } })
            }
            _ => json!({}),
        };
        let answer = move |operation: &str, before, input: &serde_json::Value| {
            own(operation, before, input).unwrap_or_else(|| usual(operation))
        };
        let (aws, calls) = stub(answer).await;
        let project = b"project: web\nsource: {repository: o/n}\nenvironments:\n  local: {}\n  production: {account: '000000000000', region: eu-central-1}\n";
        let project = seatrial_project::Project::parse(project).unwrap();
        session.environment = Some("production".to_owned());
        let resume = session.command("release");
        session.resume = Some(Resume { agreed: resume.clone(), asked: resume });
        // No git checkout.
        let root = tempfile::tempdir().unwrap();
        let ctx = Ctx {
            aws: of_account(&aws, session.changes.clone()),
            session,
            root: root.path().to_owned(),
            environment: project.environment(Some("production")).unwrap().clone(),
            local: None,
        };
        let args = ReleaseArgs { rate: Some(0), ..args };

        let outcome = Outcome::of(&ctx.session, run(&ctx, &args).await);

        (outcome.status().code(), serde_json::to_value(&outcome).unwrap(), calls.made())
    }

    #[tokio::test(start_paused = true)]
    async fn a_release_that_outlasts_its_deadline_ends_with_5_and_the_command_that_joins_it() {
        let (code, object, _) = released(ReleaseArgs::default()).await;

        assert_eq!(code, 5, "{object}");
        assert_eq!(object["failures"][0]["status"], "deadline");
        assert_eq!(object["changed"], true);
        assert_eq!(object["resume"], "cargo seatrial release --environment production");
    }

    #[tokio::test]
    async fn a_release_that_is_not_waited_for_tells_the_command_that_joins_it() {
        let (code, object, _) = released(ReleaseArgs { no_wait: true, ..ReleaseArgs::default() }).await;

        assert_eq!((code, &object["pipeline_execution_id"]), (0, &json!("e")), "{object}");
        assert_eq!(object["resume"], "cargo seatrial release --environment production");
    }

    #[tokio::test(start_paused = true)]
    async fn a_release_that_ignores_alarms_lets_them_count_again_also_where_it_is_left() {
        let (code, object, calls) = released(ReleaseArgs {
            ignore_alarms: true,
            timeout: Some(Duration::from_secs(60)),
            ..ReleaseArgs::default()
        })
        .await;

        assert_eq!(code, 5, "{object}");
        let of_alarms =
            |call: &&String| ["UpdateDeploymentGroup", "StartPipelineExecution"].contains(&call.as_str());
        let made: Vec<&String> = calls.iter().filter(of_alarms).collect();
        assert_eq!(made, ["UpdateDeploymentGroup", "StartPipelineExecution", "UpdateDeploymentGroup"]);
    }

    fn execution(id: &str, status: &str, revision: Option<&str>) -> Execution {
        Execution { id: id.to_owned(), status: status.to_owned(), revision: revision.map(str::to_owned) }
    }

    #[test]
    fn an_execution_of_the_commit_that_runs_is_joined() {
        let executions = [execution("2", "InProgress", Some("b")), execution("1", "Succeeded", Some("a"))];

        assert_eq!(step(&executions, Some("b"), false), (Step::Join, Some("2".to_owned())));
        assert_eq!(step(&executions, Some("c"), false), (Step::Start, None));
    }

    #[test]
    fn an_execution_of_another_or_of_an_unknown_commit_is_not_joined() {
        let executions = [execution("3", "InProgress", None), execution("2", "InProgress", Some("b"))];

        assert_eq!(step(&executions, Some("c"), false), (Step::Start, None));
    }

    #[test]
    fn a_commit_that_was_released_last_is_released_again_only_when_told() {
        let executions = [execution("2", "Failed", Some("b")), execution("1", "Succeeded", Some("a"))];

        assert_eq!(step(&executions, Some("a"), false).0, Step::Nothing);
        assert_eq!(step(&executions, Some("a"), true).0, Step::Start);
        assert_eq!(step(&executions, Some("b"), false).0, Step::Start);
    }
}
