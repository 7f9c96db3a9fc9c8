//! Who may enter a stage.

use super::super::store::{ExecutionRow, PipelineRow, Status};

/// What an execution before a stage does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Enter,
    Wait,
    /// A later execution that waits at the same place takes its turn.
    Superseded,
}

/// Decides for `row`, which waits before the stage `index`. A stage holds one execution at a time. Those that
/// wait before one that is taken or disabled queue up (QUEUED), or the last to come stays (SUPERSEDED).
pub(super) fn gate(
    pipeline: &PipelineRow,
    executions: &[ExecutionRow],
    row: &ExecutionRow,
    index: usize,
) -> Gate {
    let Some(stage) = row.stages.get(index).map(|stage| &stage.name) else { return Gate::Wait };
    let disabled = index > 0 && pipeline.is_disabled(stage);
    let mode = row.declaration.execution_mode.as_str();
    let others = || executions.iter().filter(|other| other.id != row.id && other.status.is_running());
    let status =
        |other: &ExecutionRow| other.stages.iter().find(|run| run.name == *stage).and_then(|run| run.status);
    let busy = others().any(|other| status(other) == Some(Status::InProgress));
    let waits = |other: &ExecutionRow| {
        let position = other.position().and_then(|position| other.stages.get(position));
        position.is_some_and(|run| run.name == *stage && run.status.is_none())
    };
    let blocked = disabled || busy;
    if mode == "SUPERSEDED" {
        return match blocked {
            true if others().any(|other| other.sequence > row.sequence && waits(other)) => Gate::Superseded,
            true => Gate::Wait,
            false => Gate::Enter,
        };
    }
    let behind = others().any(|other| other.sequence < row.sequence && waits(other));
    if blocked || behind { Gate::Wait } else { Gate::Enter }
}
