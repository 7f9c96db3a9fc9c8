//! What the tasks of a new revision show, taken while they are there: a rollback deletes them.

use std::cmp::Reverse;

use futures_util::future::try_join_all;
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

/// Takes it all of the tasks that are the new revision's by who started them, those among `stopped` first. `groups` are ARNs
/// of target groups.
pub(super) async fn take(
    aws: &Aws,
    (cluster, service): (&str, &str),
    groups: [&str; 2],
    (is_new, stopped): (impl Fn(&str) -> bool, &[StoppedTask]),
) -> Result<Evidence, AwsError> {
    let mut stopped: Vec<_> = stopped.iter().filter(|task| is_new(&task.started_by)).collect();
    stopped.sort_by_key(|task| Reverse(task.time));
    let running = aws.tasks(cluster, service).await?;
    let running = running.into_iter().filter(|task| is_new(&task.started_by));
    let all =
        stopped.into_iter().map(|task| (task.arn.clone(), task.task_definition.clone(), Some(task.clone())));
    let all = all.chain(running.map(|task| (task.arn, task.task_definition, None)));
    let tasks = try_join_all(all.take(TASKS).map(|task| taken(aws, task)));
    let targets = try_join_all(groups.map(|group| targets(aws, group)));
    let (tasks, targets) = tokio::try_join!(tasks, targets)?;
    Ok(Evidence { tasks, targets: targets.into_iter().flatten().collect() })
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
    take(aws, (cluster, service), groups, (|by: &str| by == started_by, &stopped)).await
}

async fn taken(
    aws: &Aws,
    (arn, definition, stopped): (String, String, Option<StoppedTask>),
) -> Result<TaskEvidence, AwsError> {
    let mut log = Vec::new();
    for (group, stream) in aws.log_streams(&definition, &arn).await? {
        log.extend(aws.last_log_lines((&group, &stream), LINES).await?);
    }
    let id = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
    Ok(TaskEvidence { id, stopped, log })
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
