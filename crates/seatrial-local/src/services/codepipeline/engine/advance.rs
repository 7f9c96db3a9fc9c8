//! One execution's way through its stages.

use super::super::declaration::Action;
use super::super::store::{ActionRun, ActionStatus, CodePipeline, ErrorDetails, ExecutionRow, Status};
use super::action;
use super::gate::{Gate, gate};
use crate::cloud::Cloud;

/// Moves the execution as far as it goes now. Whether anything changed.
pub(super) async fn advance(cloud: &Cloud, key: &str) -> bool {
    let part = cloud.part::<CodePipeline>();
    let mut changed = false;
    while let Some(row) = part.executions.get(key).filter(|row| row.status.is_running()) {
        if !once(cloud, &part, &row).await {
            break;
        }
        changed = true;
    }
    changed
}

async fn once(cloud: &Cloud, part: &CodePipeline, row: &ExecutionRow) -> bool {
    let running: Vec<_> = row.actions.iter().filter(|run| run.status == ActionStatus::InProgress).collect();
    let mut moved = false;
    for run in &running {
        moved |= action::follow(cloud, part, row, run).await;
    }
    if moved {
        return true;
    }
    let Some(index) = row.position() else {
        return set(cloud, part, row, |row| row.status = Status::Succeeded);
    };
    if row.cancelled {
        return running.is_empty() && set(cloud, part, row, |row| end(row, index, Status::Cancelled));
    }
    if row.status == Status::Stopping {
        return running.is_empty() && set(cloud, part, row, |row| end(row, index, Status::Stopped));
    }
    match row.stages[index].status {
        None => enter(cloud, part, row, index),
        Some(Status::InProgress) if running.is_empty() => act(cloud, part, row, index),
        Some(Status::InProgress) => false,
        Some(_) => set(cloud, part, row, |row| row.status = Status::Failed),
    }
}

fn enter(cloud: &Cloud, part: &CodePipeline, row: &ExecutionRow, index: usize) -> bool {
    let Some(pipeline) = part.pipelines.get(&row.pipeline) else { return false };
    match gate(&pipeline, &part.executions_of(&row.pipeline), row, index) {
        Gate::Wait => false,
        Gate::Superseded => set(cloud, part, row, |row| row.status = Status::Superseded),
        Gate::Enter => {
            let now = cloud.clock().now();
            set(cloud, part, row, |row| {
                row.stages[index].status = Some(Status::InProgress);
                row.stages[index].entered = Some(now);
            })
        }
    }
}

/// Begins the stage's next actions, those of the lowest run order that have not run; ends the stage if one
/// has failed or none is left.
fn act(cloud: &Cloud, part: &CodePipeline, row: &ExecutionRow, index: usize) -> bool {
    let Some(stage) = row.declaration.stages.get(index) else { return false };
    let run = |action: &Action| row.action(&stage.name, &action.name);
    let failed = |action: &Action| run(action).is_some_and(|run| run.status == ActionStatus::Failed);
    if stage.actions.iter().any(failed) {
        return set(cloud, part, row, |row| end(row, index, Status::Failed));
    }
    let left: Vec<_> = stage.actions.iter().filter(|action| run(action).is_none()).collect();
    let Some(order) = left.iter().map(|action| action.run_order).min() else {
        return set(cloud, part, row, |row| row.stages[index].status = Some(Status::Succeeded));
    };
    let begun: Vec<ActionRun> = left
        .into_iter()
        .filter(|action| action.run_order == order)
        .map(|declared| action::begin(cloud, row, &stage.name, declared))
        .collect();
    set(cloud, part, row, |row| row.actions.extend(begun))
}

/// Fails the execution, with the actions that run.
pub(super) fn fail(cloud: &Cloud, row: &ExecutionRow, why: &str) {
    let now = cloud.clock().now();
    set(cloud, &cloud.part::<CodePipeline>(), row, |row| {
        for run in row.actions.iter_mut().filter(|run| run.status == ActionStatus::InProgress) {
            run.status = ActionStatus::Failed;
            run.updated = now;
            run.error = Some(ErrorDetails { code: "InternalError".to_owned(), message: why.to_owned() });
        }
        match row.position() {
            Some(index) => end(row, index, Status::Failed),
            None => row.status = Status::Failed,
        }
    });
}

/// Ends the stage and with it the execution.
fn end(row: &mut ExecutionRow, index: usize, status: Status) {
    if row.stages[index].status.is_some() {
        row.stages[index].status = Some(status);
    }
    row.status = status;
}

/// Changes the execution; false if it is gone, or could not be written, which is tried again later.
fn set(
    cloud: &Cloud,
    part: &CodePipeline,
    row: &ExecutionRow,
    change: impl FnOnce(&mut ExecutionRow),
) -> bool {
    let now = cloud.clock().now();
    let changed = part.executions.update(&row.key(), |row| {
        change(row);
        row.updated = now;
    });
    match changed {
        Ok(found) => found.is_some(),
        Err(error) => {
            tracing::error!(execution = row.id, %error, "the state of a pipeline execution was not kept");
            false
        }
    }
}
