//! How a command ends: the exit codes of the contract, and the errors that carry one.

use seatrial_image::ImageError;

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
    // Only as it is: where a command says more around it, it had changed something before.
    let outermost = error.chain().next().and_then(|cause| cause.downcast_ref::<ImageError>());
    if outermost.is_some_and(ImageError::is_refusal) {
        return ExitStatus::Refused;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::hints_of;

    #[test]
    fn an_image_that_is_refused_is_a_refusal_until_something_was_changed_and_keeps_its_hint() {
        let refused = || ImageError::Refused { message: "no".to_owned(), hint: Some("do".to_owned()) };
        let failed = ImageError::Failed { action: "build".to_owned(), source: "no".into() };
        let cases = [
            (anyhow::Error::new(refused()), ExitStatus::Refused, 1),
            (anyhow::Error::new(refused()).context("after stacks"), ExitStatus::Unexpected, 1),
            (anyhow::Error::new(failed), ExitStatus::Unexpected, 0),
        ];
        for (error, status, hints) in cases {
            assert_eq!(status_of(&error), status, "{error:#}");
            assert_eq!(hints_of(&error).len(), hints, "{error:#}");
        }
    }
}
