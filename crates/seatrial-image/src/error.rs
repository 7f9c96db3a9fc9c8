//! The ways in which building an image ends badly.

use std::error::Error;
use std::fmt::Debug;
use std::io;

use aws_sdk_ecr::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use seatrial_git::GitError;
use seatrial_project::render::RenderError;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// What was found forbids it; nothing was changed. Exit code 3.
    #[error("{message}")]
    Refused { message: String, hint: Option<String> },
    /// The deploy action's files cannot be rendered; nothing was changed. Exit code 3.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// git does not answer; nothing was changed. Exit code 3 where it refuses.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A step went wrong. Exit code 1.
    #[error("failed to {action}")]
    Failed {
        action: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ImageError {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: None }
    }

    pub(crate) fn failed(action: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { action: action.into(), source: source.into() }
    }

    /// A call to AWS that failed: its code and AWS's own words.
    pub(crate) fn of_call<E, R>(action: impl Into<String>, error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: Debug + Send + Sync + 'static,
    {
        let words = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            _ => DisplayErrorContext(&error).to_string(),
        };
        Self::failed(action, words)
    }

    pub(crate) fn with_hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Refused { message, .. } => Self::Refused { message, hint: Some(text.into()) },
            other => other,
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused { hint, .. } => hint.as_deref(),
            Self::Render(error) => Some(error.hint()),
            Self::Git(error) => error.hint(),
            Self::Failed { .. } => None,
        }
    }

    /// Whether a program was to be started that is not there.
    pub(crate) fn is_missing_program(&self) -> bool {
        let Self::Failed { source, .. } = self else { return false };
        source.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether nothing was changed.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Render(_) => true,
            Self::Git(error) => error.is_refusal(),
            Self::Failed { .. } => false,
        }
    }
}

/// An error with what caused it, in one line: a client's says "client error", and what is wrong stands in its sources.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
