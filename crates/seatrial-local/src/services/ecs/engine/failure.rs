//! A task that did not start.

/// Why a task did not start.
pub(super) struct Failure {
    /// AWS's `stoppedReason`.
    pub reason: String,
    /// The container it is about.
    pub container: Option<usize>,
}

impl Failure {
    pub(super) fn of_task(reason: String) -> Self {
        Self { reason, container: None }
    }

    pub(super) fn initialization(what: &str) -> Self {
        Self::of_task(format!("ResourceInitializationError: {what}"))
    }
}
