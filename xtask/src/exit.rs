//! How a command ends: the exit codes of the contract, and the errors that carry one.

use crate::follow::DeadlinePassed;
use crate::project::ProjectError;
use crate::stacks::StacksError;

/// Exit codes. Documented in `docs/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// 0: done, or nothing to do.
    Done,
    /// 1: something unexpected.
    Unexpected,
    /// 3: refused, nothing was changed.
    Refused,
    /// 4: AWS reports a failure or a rollback.
    Failed,
    /// 5: the deadline passed; work goes on in AWS.
    Deadline,
    /// 130: interrupted; work goes on in AWS.
    Interrupted,
}

impl ExitStatus {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unexpected => 1,
            Self::Refused => 3,
            Self::Failed => 4,
            Self::Deadline => 5,
            Self::Interrupted => 130,
        }
    }
}

/// A command that will not do what was asked: exit code 3, and nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    message: String,
    hints: Vec<String>,
}

impl Refused {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

/// AWS reports a failure or a rollback: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StackFailed(pub String);

/// The exit code an error stands for.
pub(crate) fn status_of(error: &anyhow::Error) -> ExitStatus {
    for cause in error.chain() {
        if cause.is::<Refused>() || cause.is::<ProjectError>() || cause.is::<StacksError>() {
            return ExitStatus::Refused;
        }
        if cause.is::<DeadlinePassed>() {
            return ExitStatus::Deadline;
        }
        if cause.is::<StackFailed>() {
            return ExitStatus::Failed;
        }
    }
    ExitStatus::Unexpected
}
