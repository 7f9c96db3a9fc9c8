//! The ways in which git does not answer.

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// git will not, or cannot, read this checkout as it is: for whoever owns it to settle.
    #[error("{message}")]
    Refused { message: String, hint: Option<String> },
    /// A command went wrong; `said` are git's own words.
    #[error("failed to {action}: {said}")]
    Failed { action: String, said: String },
}

impl GitError {
    pub(crate) fn refused(message: impl Into<String>, hint: impl Into<Option<String>>) -> Self {
        Self::Refused { message: message.into(), hint: hint.into() }
    }

    pub(crate) fn failed(action: impl Into<String>, said: impl ToString) -> Self {
        Self::Failed { action: action.into(), said: said.to_string() }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused { hint, .. } => hint.as_deref(),
            Self::Failed { .. } => None,
        }
    }

    /// Whether it is a matter of what was found, not of what went wrong.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}
