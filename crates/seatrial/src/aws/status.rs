//! What AWS's statuses mean: the only place where they are told apart.

/// What a stack's status means for whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StackPhase {
    /// No stack, or one that was deleted.
    Absent,
    /// An operation runs.
    InProgress,
    /// The last operation succeeded, and an update is possible.
    Stable,
    /// The last operation failed and was rolled back; an update is possible.
    RolledBack,
    /// Only a CREATE change set was made: nothing is there yet.
    Review,
    /// Creation or deletion failed: what is left can only be deleted. A creation that kept what it had made, because
    /// rollback was disabled, is one of these.
    DeleteOnly,
    /// An update failed with rollback disabled: it must be rolled back first.
    RollBack,
    /// The rollback of an update failed: it must be continued first.
    ContinueRollback,
    /// Anything else that failed.
    Failed,
}

/// Reads a stack's status as AWS spells it.
pub(crate) fn stack_phase(status: &str) -> StackPhase {
    match status {
        "" | "DELETE_COMPLETE" => StackPhase::Absent,
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => StackPhase::Stable,
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => StackPhase::RolledBack,
        "REVIEW_IN_PROGRESS" => StackPhase::Review,
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED" => StackPhase::DeleteOnly,
        "UPDATE_FAILED" => StackPhase::RollBack,
        "UPDATE_ROLLBACK_FAILED" => StackPhase::ContinueRollback,
        _ if status.ends_with("_IN_PROGRESS") => StackPhase::InProgress,
        _ => StackPhase::Failed,
    }
}

/// Whether a stack's deletion failed: only then AWS leaves out of another attempt what is to be kept (DeleteStack,
/// `RetainResources`).
pub(crate) fn deletion_failed(status: &str) -> bool {
    status == "DELETE_FAILED"
}

/// Whether a stack's deletion would delete a resource that was made: not one whose creation failed, and not one that
/// is gone or was left to itself.
pub(crate) fn resource_is_held(status: &str) -> bool {
    !matches!(status, "" | "CREATE_FAILED" | "DELETE_COMPLETE" | "DELETE_SKIPPED")
}

/// Whether the continued rollback of an update may leave out a resource (ContinueUpdateRollback, `ResourcesToSkip`).
pub(crate) fn resource_may_be_skipped(status: &str) -> bool {
    status == "UPDATE_FAILED"
}

/// How something that runs to an end (an execution, a build, a deployment) stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Succeeded,
    Failed,
}

/// Reads the status of a pipeline execution, a stage or an action.
pub(crate) fn execution_progress(status: &str) -> Progress {
    match status {
        "Succeeded" => Progress::Succeeded,
        "InProgress" | "Stopping" | "" => Progress::Running,
        _ => Progress::Failed,
    }
}

/// Whether an execution ended because its pipeline was updated.
pub(crate) fn execution_cancelled(status: &str) -> bool {
    status == "Cancelled"
}

/// How an execution ended that neither succeeded nor failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// A newer one took its place.
    Superseded,
    /// Somebody stopped it.
    Stopped,
    /// Its pipeline was updated.
    Cancelled,
}

/// Whether an execution ended before its time, and how.
pub(crate) fn execution_left(status: &str) -> Option<Left> {
    match status {
        "Superseded" => Some(Left::Superseded),
        "Stopped" => Some(Left::Stopped),
        _ if execution_cancelled(status) => Some(Left::Cancelled),
        _ => None,
    }
}

/// Reads the status of a build.
pub(crate) fn build_progress(status: &str) -> Progress {
    match status {
        "SUCCEEDED" => Progress::Succeeded,
        "IN_PROGRESS" | "" => Progress::Running,
        _ => Progress::Failed,
    }
}

/// Reads the status of a deployment.
pub(crate) fn deployment_progress(status: &str) -> Progress {
    match status {
        "Succeeded" => Progress::Succeeded,
        "Failed" | "Stopped" => Progress::Failed,
        _ => Progress::Running,
    }
}

/// Whether a deployment has begun: before it has no target.
pub(crate) fn deployment_begun(status: &str) -> bool {
    !matches!(status, "" | "Created")
}

/// Whether a deployment waits for somebody to continue it.
pub(crate) fn deployment_waits(status: &str) -> bool {
    status == "Ready"
}

/// Whether a deployment was ended before its time, and did not fail.
pub(crate) fn deployment_stopped(status: &str) -> bool {
    status == "Stopped"
}

/// Reads the status of a lifecycle event; `None` before its turn.
pub(crate) fn lifecycle_progress(status: &str) -> Option<Progress> {
    match status {
        "Pending" => None,
        "Succeeded" | "Skipped" => Some(Progress::Succeeded),
        "Failed" => Some(Progress::Failed),
        _ => Some(Progress::Running),
    }
}

/// Whether a lifecycle event was passed over.
pub(crate) fn is_skipped(lifecycle_event: &str) -> bool {
    lifecycle_event == "Skipped"
}

/// True for the task set that has the production traffic.
pub(crate) fn is_primary(task_set: &str) -> bool {
    task_set == "PRIMARY"
}

/// Whether a task set of a deployment is the new revision's, by CodeDeploy's label.
pub(crate) fn is_replacement(label: &str) -> bool {
    label == "Green"
}

/// Whether it is the one that is to be replaced.
pub(crate) fn is_original(label: &str) -> bool {
    label == "Blue"
}

/// Whether a service is there: ECS shows a deleted one for a while.
pub(crate) fn service_is_there(status: &str) -> bool {
    status != "INACTIVE"
}

/// How an operation that runs is ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancellation {
    /// A creation: by the stack's deletion.
    Delete,
    /// An update: by CancelUpdateStack, which rolls it back.
    RollBack,
}

/// How a stack's operation can be ended early; `None` where it cannot.
pub(crate) fn cancellation(status: &str) -> Option<Cancellation> {
    match status {
        "CREATE_IN_PROGRESS" => Some(Cancellation::Delete),
        "UPDATE_IN_PROGRESS" => Some(Cancellation::RollBack),
        _ => None,
    }
}

/// True for the status of a resource that is being made.
pub(crate) fn creation_runs(status: &str) -> bool {
    status == "CREATE_IN_PROGRESS"
}

/// True for the state of a target that answers its health checks wrongly, or not at all.
pub(crate) fn is_unhealthy(state: &str) -> bool {
    state == "unhealthy"
}

/// True for the status with which a stack's rollback begins.
pub(crate) fn rollback_begins(status: &str) -> bool {
    matches!(status, "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS")
}

/// True for the status of a resource whose last operation failed.
pub(crate) fn resource_failed(status: &str) -> bool {
    status.ends_with("_FAILED")
}
