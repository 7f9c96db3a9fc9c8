//! Why a release is no longer followed although it goes on.

use crate::exit::{DeadlinePassed, Interrupted};

/// Which of the two.
#[derive(Debug, Clone)]
pub(crate) enum Left {
    Deadline(DeadlinePassed),
    Interrupted,
}

impl Left {
    /// # Errors
    /// Every other error than these two, as it is.
    pub(super) fn of(error: anyhow::Error) -> anyhow::Result<Self> {
        if error.is::<Interrupted>() {
            return Ok(Self::Interrupted);
        }
        error.downcast::<DeadlinePassed>().map(Self::Deadline)
    }

    /// As what ends the command.
    pub(crate) fn error(&self) -> anyhow::Error {
        match self {
            Self::Deadline(passed) => passed.clone().into(),
            Self::Interrupted => Interrupted.into(),
        }
    }
}
