//! How a command ends: the exit codes of the contract, and the errors that carry one.

use std::time::Duration;

use crate::hint::Hint;

/// Exit codes. Documented in `docs/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// 0: done, or nothing to do.
    Done,
    /// 1: something unexpected.
    Unexpected,
    /// 2: the command line was not understood.
    Usage,
    /// 3: refused, nothing was changed.
    Refused,
    /// 4: AWS reports a failure or a rollback, or the command stopped part-way.
    Failed,
    /// 5: the deadline passed; work goes on in AWS.
    Deadline,
    /// 6: `diff --exit-code`, and there are changes.
    Changes,
    /// 130: interrupted; work goes on in AWS.
    Interrupted,
}

impl ExitStatus {
    /// The number the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Failed => 4,
            Self::Deadline => 5,
            Self::Changes => 6,
            Self::Interrupted => 130,
        }
    }
}

/// A command that will not do what was asked: exit code 3, as long as nothing was changed.
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
}

impl Hint for Refused {
    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

/// AWS reports a failure or a rollback: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failed(pub String);

/// AWS reports a state out of which only a decision of the user leads: exit code 4, with the commands to choose from.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Stuck {
    pub message: String,
    pub hints: Vec<String>,
}

impl Hint for Stuck {
    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

/// The time that was allowed has passed; what was waited for goes on in AWS: exit code 5.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} did not end within {} minutes", .patience.as_secs().div_ceil(60))]
pub(crate) struct DeadlinePassed {
    pub what: String,
    pub patience: Duration,
}

/// The user, or whoever started the command, wants it to end: exit code 130.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;
