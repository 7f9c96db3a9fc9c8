//! Why a release ended as it did, from what is known of it: the first cause, what shows it, what became of the users,
//! and what to type. Pure.

use serde::{Deserialize, Serialize};

use super::denied::Denied;
use super::facts::Facts;
use super::migration;
use super::told::{Kind, Told, says};
use super::{build, check};
use crate::aws::status::{Left, Progress, deployment_stopped, execution_left, execution_progress};
use crate::aws::{ActionRun, LogLine};
use crate::commands::remedy;
use crate::follow::{Cause, Requests, Sign, TaskEvidence, words};
use crate::rollout::{Rollout, RolloutStep};
use crate::session::Session;

/// Lines of a task's log that a story repeats; all that are kept are in the evidence.
const LOG_LINES: usize = 10;

/// One explanation across the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Story {
    pub cause: Kind,
    pub what: String,
    /// From the stage down to the log line.
    pub evidence: Vec<String>,
    pub users: String,
    pub next: Vec<String>,
}

impl Story {
    /// With the commands in it as this project spells them, in the environment of this run.
    pub(crate) fn spelled(mut self, session: &Session) -> Self {
        for next in &mut self.next {
            *next = session.with_commands(next);
        }
        self
    }
}

/// Tells it; `None` of what went well, and of what still runs.
pub(crate) fn tell(facts: &Facts) -> Option<Story> {
    let progress = execution_progress(&facts.execution.status);
    let failed_requests = facts.requests.as_ref().is_some_and(|requests| requests.failed > 0);
    if progress == Progress::Running || progress == Progress::Succeeded && !failed_requests {
        return None;
    }
    let mut told = if progress == Progress::Succeeded { requests_alone(facts) } else { cause(facts) };
    let mut evidence = chain(facts);
    // CodePipeline repeats CodeDeploy: `Error code: … Reason: …`.
    let reason =
        |line: &String| line.rsplit_once("Reason: ").map_or(line.clone(), |(_, reason)| reason.to_owned());
    told.evidence.retain(|line| !evidence.iter().any(|told| told.contains(&reason(line))));
    evidence.append(&mut told.evidence);
    let said = format!("{}\n{}", told.what, evidence.join("\n"));
    let is_denied = told.kind == Kind::Denied || said.contains("not authorized to perform");
    if let Some(line) = is_denied.then(|| facts.roles.place(&said)).flatten() {
        told.next.insert(0, line);
    }
    Some(Story { cause: told.kind, what: told.what, evidence, users: users(facts), next: told.next })
}

/// Where in the chain it went wrong.
fn chain(facts: &Facts) -> Vec<String> {
    let mut chain = Vec::new();
    if let Some(ActionRun { stage, action, status, .. }) = &facts.failed {
        chain.push(format!("stage {stage}, action {action}: {status}"));
    }
    let Some(rollout) = facts.rollout.as_ref().filter(|_| facts.build.is_none()) else { return chain };
    if facts.sign.is_some() {
        let by_whom = "this command stopped it at the first sign, which AWS calls MANUAL_STOP";
        chain.push(format!("deployment {}: {}: {by_whom}", rollout.id, rollout.status));
        return chain;
    }
    let error = rollout.error.clone().unwrap_or_default();
    chain.push(format!("deployment {}: {}: {error}", rollout.id, rollout.status));
    let failed = rollout.steps.iter().filter(|step| step.progress == Some(Progress::Failed));
    chain.extend(failed.map(|step| {
        let untold = step.diagnostics.as_ref().filter(|why| !error.contains(why.as_str()));
        format!(
            "lifecycle event {} failed{}",
            step.name,
            untold.map(|why| format!(": {why}")).unwrap_or_default()
        )
    }));
    chain
}

fn cause(facts: &Facts) -> Told {
    if let Some(left) = execution_left(&facts.execution.status) {
        return of_left(left);
    }
    if let Some(told) = facts.check.as_deref().and_then(check::verdict).or_else(|| of_tasks(facts)) {
        return told;
    }
    let error = facts.failed.as_ref().and_then(|run| run.error.clone().or_else(|| run.summary.clone()));
    let error = error.unwrap_or_default();
    if let Some((build, log)) = facts.build.as_ref().filter(|_| migration::is_it(facts.failed.as_ref())) {
        return migration::told(build, log, &error);
    }
    if let Some((build, log)) = &facts.build {
        return build::told(build, log, &error);
    }
    let provider = facts.failed.as_ref().map(|run| run.provider.as_str()).unwrap_or_default();
    let rollout_error = facts.rollout.as_ref().and_then(|rollout| rollout.error.clone()).unwrap_or_default();
    let all = format!("{rollout_error}\n{error}");
    if let Some(denied) = Denied::find(&all) {
        return denied.told();
    }
    let told = match provider {
        "CodeStarSourceConnection" => of_source(&error),
        "CodeBuild" => build::not_begun(&error),
        _ if facts.rollout.as_ref().is_some_and(|rollout| was_not_continued(rollout, &all)) => {
            match &facts.check {
                Some(log) => check::none_reached(log),
                None => Told::new(
                    Kind::NotContinued,
                    "the deployment was ready, and nobody continued it before `deployment.ready_wait` was over",
                    "`release --again` deploys the commit once more; `release --continue` then moves traffic in time",
                ),
            }
        }
        _ => of_rollout(&all),
    };
    Told {
        evidence: told.evidence.into_iter().chain([error]).filter(|line| !line.is_empty()).collect(),
        ..told
    }
}

fn of_left(left: Left) -> Told {
    let again = "`release --again` releases the commit once more";
    match left {
        Left::Superseded => Told::new(
            Kind::Superseded,
            "a newer commit took its place in the pipeline before it was deployed",
            "nothing, if the newer commit holds this one; else `release --again`",
        ),
        Left::Stopped => Told::new(Kind::Stopped, "somebody stopped the execution", again),
        Left::Cancelled => Told::new(Kind::Stopped, "the pipeline was updated while it ran", again),
    }
}

/// What the new revision's tasks or its users' requests showed.
fn of_tasks(facts: &Facts) -> Option<Told> {
    if let Some(sign @ Sign::Requests { .. }) = &facts.sign {
        let next = "read the application's log below, mend it and commit it";
        let evidence = facts.tasks.iter().find(|task| task.stopped.is_none()).map(log).unwrap_or_default();
        return Some(Told { evidence, ..Told::new(Kind::Requests, sign.to_string(), next) });
    }
    if let Some(Sign::Unplaced(words)) = &facts.sign {
        let what = format!("{}: {words}", headline(Cause::Capacity));
        return Some(Told::new(Kind::Task(Cause::Capacity), what, remedy::of(Cause::Capacity)));
    }
    let logs = |task: &TaskEvidence| task.log.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    let by_sign = match &facts.sign {
        Some(Sign::Task { task, .. }) => task.arn.rsplit('/').next(),
        _ => None,
    };
    let fatal = facts.tasks.iter().filter_map(|evidence| {
        let task = evidence.stopped.as_ref()?;
        let cause = Cause::of(task, &logs(evidence));
        cause.is_fatal().then_some((evidence, task, cause))
    });
    // The first that stopped: those after it may have stopped for its sake. The one that was acted on, if it is known.
    let all: Vec<_> = fatal.collect();
    let first = all.iter().min_by_key(|(_, task, _)| task.time);
    let chosen = all.iter().find(|(evidence, ..)| by_sign == Some(evidence.id.as_str())).or(first);
    let (evidence, task, cause) = match (chosen, &facts.sign) {
        (Some((evidence, task, cause)), _) => (log(evidence), (*task).clone(), *cause),
        (None, Some(Sign::Task { cause, task })) => (Vec::new(), task.clone(), *cause),
        _ => return None,
    };
    let id = task.arn.rsplit('/').next().unwrap_or_default();
    let what = format!("{}: {}", headline(cause), words(&task));
    let evidence = [format!("task {id}: {}", words(&task))].into_iter().chain(evidence).collect();
    Some(Told { evidence, ..Told::new(Kind::Task(cause), what, remedy::of(cause)) })
}

fn log(task: &TaskEvidence) -> Vec<String> {
    let from = task.log.len().saturating_sub(LOG_LINES);
    task.log.iter().skip(from).map(|LogLine { text, .. }| format!("| {}", text.trim_end())).collect()
}

fn headline(cause: Cause) -> &'static str {
    match cause {
        Cause::MissingSecret => "a secret that the tasks need is not there",
        Cause::DeniedSecret => "the execution role may not read a secret",
        Cause::MissingImage => "the image is not in the repository",
        Cause::DeniedImage => "the execution role may not pull the image",
        Cause::Architecture => "the image is of another architecture than the tasks",
        Cause::MissingProgram => "the image does not hold the program that it starts",
        Cause::Unreachable => "the tasks do not reach the registry, the secrets or the logs",
        Cause::Capacity => "Fargate has no capacity for the tasks, or the quota is used up",
        Cause::Memory => "the application needs more memory than its tasks have",
        Cause::ReadOnly => "the application wrote to its disk, which is read-only, and ended",
        Cause::Exited => "the application ended by itself",
        Cause::Unhealthy => "the application did not answer its health check",
        Cause::NotStarted | Cause::Unwanted => "the tasks did not start",
    }
}

fn of_source(error: &str) -> Told {
    if says(error, &["connection"]) {
        return Told::new(
            Kind::Connection,
            "the connection to the repository cannot be used",
            "complete its handshake in the console, or mend it there (`doctor` prints the link); then `release`",
        );
    }
    Told::new(
        Kind::Source,
        "the commit could not be read from the repository",
        "see that repository and branch of `infra/project.yml` are there, and that the commit is pushed",
    )
}

/// By the words of CodeDeploy, or of CodePipeline where no deployment came about.
fn of_rollout(error: &str) -> Told {
    let rows: [(&[&str], Kind, &str, &str); 7] = [
        (
            &["alarm_active", "alarms have been activated"],
            Kind::Alarm,
            "an alarm of the deployment group was active",
            "see what raised the alarm (its name is below); a fix for production that an alarm keeps out is released with \
             `release --ignore-alarms`",
        ),
        (
            &["already an active deployment", "deployment limit", "deploymentlimitexceeded"],
            Kind::Busy,
            "another deployment of the service runs",
            "wait for its end (`status` shows it), then `release --again`",
        ),
        (
            &["artifact file", "imagedetail.json", "taskdef.json", "image definition"],
            Kind::Artifacts,
            "the build did not hand over what the deployment needs",
            "see that `.aws/buildspec.yml` is the generated one (`generate`), and commit it",
        ),
        (
            &["appspec", "container name", "invalid_revision", "invalid revision"],
            Kind::AppSpec,
            "the AppSpec and the task definition do not fit together",
            "write `.aws/` anew (`generate`), and commit it",
        ),
        (
            &["manual_stop", "stopped by"],
            Kind::Stopped,
            "the deployment was stopped, by hand or by whoever followed it and saw a sign against it",
            "read the application's log, and what was printed then; `release --again` releases the commit once more",
        ),
        (
            &["hook", "lifecycle event"],
            Kind::LifecycleEvent,
            "a lifecycle event of the deployment failed",
            "mend what the lifecycle event below says",
        ),
        (
            &["timed out", "timeout", "health_constraints"],
            Kind::TimedOut,
            "the deployment waited in vain for the new tasks",
            "read the tasks' log (it is in the log group of the application), mend it and commit it",
        ),
    ];
    let found = rows.into_iter().find(|(words, ..)| says(error, words));
    let Some((_, kind, what, next)) = found else {
        let first = error.lines().find(|line| !line.is_empty()).unwrap_or("AWS gives no reason");
        return Told::new(Kind::Other, first, "`status` shows what there is");
    };
    Told::new(kind, what, next)
}

fn requests_alone(facts: &Facts) -> Told {
    let requests = facts.requests.clone().unwrap_or_default();
    let what = format!("{} of {} requests failed while traffic shifted", requests.failed, requests.sent);
    let next =
        "see that the application ends its connections in time: `docs/runbook.md` has what a task must do";
    let evidence = requests.failures.iter().map(|failure| format!("failed request: {failure}")).collect();
    Told { evidence, ..Told::new(Kind::Requests, what, next) }
}

/// What became of the application's users.
fn users(facts: &Facts) -> String {
    let counted = match &facts.requests {
        Some(Requests { sent, failed, .. }) if *sent > 0 => match failed {
            0 => format!("no request of {sent} failed"),
            _ => format!("{failed} of {sent} requests failed"),
        },
        _ => String::new(),
    };
    let state = match &facts.rollout {
        None if migration::is_it(facts.failed.as_ref()) => "no traffic was moved, the old version serves",
        None => "nothing was deployed",
        Some(rollout) if rollout.progress == Progress::Succeeded => "the new revision is live",
        Some(rollout) if !was_shifted(rollout) => "traffic never left the revision of before",
        Some(_) if facts.rollback.as_ref().is_some_and(|back| back.progress == Progress::Succeeded) => {
            "traffic is back on the revision of before"
        }
        Some(_) => "see `status` for what is live",
    };
    if counted.is_empty() { state.to_owned() } else { format!("{state}; {counted}") }
}

/// Whether it was stopped by itself after its new tasks stood and before traffic moved. AWS tells of it that the
/// deployment is Stopped (CodeDeploy API, DeploymentReadyOption), in words that nobody has shown.
fn was_not_continued(rollout: &Rollout, error: &str) -> bool {
    let stood = |step: &&RolloutStep| {
        step.name == "AfterInstall" && step.ran() && step.progress == Some(Progress::Succeeded)
    };
    let by_another = says(error, &["manual_stop", "stopped by a user", "alarm_active", "alarms have been"]);
    deployment_stopped(&rollout.status)
        && rollout.steps.iter().any(|step| stood(&step))
        && !was_shifted(rollout)
        && !by_another
}

fn was_shifted(rollout: &Rollout) -> bool {
    let shifting = |name: &str| name == "AllowTraffic";
    rollout.steps.iter().any(|step| shifting(&step.name) && step.ran())
}
