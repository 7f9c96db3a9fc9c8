//! What the tasks of a new revision show, taken while they are there: a rollback deletes them.

use std::cmp::Reverse;

use futures_util::future::join_all;
use serde::Serialize;

use crate::aws::{Aws, AwsError, LogLine, StoppedTask, TargetHealth};

/// Log lines of a task that are kept.
const LINES: i32 = 200;
/// Tasks that are asked, the newest first: more of them would tell the same.
const TASKS: usize = 10;

/// Taken once, at the first sign or at the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    pub tasks: Vec<TaskEvidence>,
    pub targets: Vec<TargetEvidence>,
}

/// One task of the new revision.
#[derive(Debug, Clone)]
pub(crate) struct TaskEvidence {
    /// The last part of its ARN.
    pub id: String,
    /// Why it stopped; `None` of one that ran.
    pub stopped: Option<StoppedTask>,
    pub log: Vec<LogLine>,
}

/// How a target stood.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TargetEvidence {
    pub target_group: String,
    pub target: String,
    pub state: String,
    pub description: Option<String>,
}

/// Takes it of the tasks that are the new revision's by who started them, those among `stopped` first; `groups` are ARNs of
/// target groups. What cannot be read is left out, with the last reason beside it: whoever may not read a log knows why the
/// tasks stopped all the same.
pub(super) async fn take(
    aws: &Aws,
    (cluster, service): (&str, &str),
    groups: [&str; 2],
    (is_new, stopped): (impl Fn(&str) -> bool, &[StoppedTask]),
) -> (Evidence, Option<AwsError>) {
    let mut unread = None;
    let mut stopped: Vec<_> = stopped.iter().filter(|task| is_new(&task.started_by)).collect();
    stopped.sort_by_key(|task| Reverse(task.time));
    let running = aws.tasks(cluster, service).await.unwrap_or_else(|error| {
        unread = Some(error);
        Vec::new()
    });
    let running = running.into_iter().filter(|task| is_new(&task.started_by));
    let all = stopped
        .into_iter()
        .map(|task| (task.arn.clone(), task.task_definition.clone(), Some(task.clone())))
        .chain(running.map(|task| (task.arn, task.task_definition, None)));
    let mut evidence = Evidence::default();
    let (tasks, found) = tokio::join!(
        join_all(all.take(TASKS).map(|task| taken(aws, task))),
        join_all(groups.map(|group| targets(aws, group)))
    );
    for (task, error) in tasks {
        evidence.tasks.push(task);
        unread = error.or(unread);
    }
    for found in found {
        match found {
            Ok(targets) => evidence.targets.extend(targets),
            Err(error) => unread = Some(error),
        }
    }
    (evidence, unread)
}

/// Reads the logs of the tasks that stopped again, and keeps what there is more: a line is in CloudWatch some seconds after
/// it was written, and the first reading was early. What cannot be read stays as it is.
pub(super) async fn read_again(
    aws: &Aws,
    evidence: Option<&mut Evidence>,
    keep: &(dyn Fn(&Evidence) + Sync),
) {
    let Some(evidence) = evidence else { return };
    let read = join_all(evidence.tasks.iter_mut().map(|task| read_on(aws, task))).await;
    if read.into_iter().any(|more| more) {
        keep(evidence);
    }
}

async fn read_on(aws: &Aws, task: &mut TaskEvidence) -> bool {
    let Some(stopped) = &task.stopped else { return false };
    match aws.last_words((&stopped.task_definition, &stopped.arn), LINES).await {
        Ok(log) if log != task.log && log.len() >= task.log.len() => {
            task.log = log;
            true
        }
        _ => false,
    }
}

/// The same of a rollout that nobody follows: ECS knows its stopped tasks for an hour.
pub(crate) async fn evidence_of(
    aws: &Aws,
    (cluster, service): (&str, &str),
    groups: [&str; 2],
    started_by: &str,
) -> Result<Evidence, AwsError> {
    let arns = aws.list_stopped_tasks(cluster, service).await?;
    let mut stopped = aws.stopped_tasks(cluster, arns).await?;
    stopped.retain(|task| !task.reason.is_empty());
    Ok(take(aws, (cluster, service), groups, (|by: &str| by == started_by, &stopped)).await.0)
}

async fn taken(
    aws: &Aws,
    (arn, definition, stopped): (String, String, Option<StoppedTask>),
) -> (TaskEvidence, Option<AwsError>) {
    let id = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
    let (log, error) = match aws.last_words((&definition, &arn), LINES).await {
        Ok(log) => (log, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    (TaskEvidence { id, stopped, log }, error)
}

async fn targets(aws: &Aws, group: &str) -> Result<Vec<TargetEvidence>, AwsError> {
    let found = aws.target_health(group).await?;
    let target = |health: TargetHealth| TargetEvidence {
        target_group: group.to_owned(),
        target: health.target,
        state: health.state,
        description: health.description,
    };
    Ok(found.into_iter().map(target).collect())
}
