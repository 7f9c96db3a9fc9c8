//! What the provider of an action is given, and what it answers.

use std::collections::BTreeMap;

use super::super::store::{ActionRun, Artifact, ErrorDetails, ExecutionRow, Revision};
use crate::access;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;

/// An action with what it acts on and as whom.
pub(super) struct Context<'a> {
    pub cloud: &'a Cloud,
    pub row: &'a ExecutionRow,
    pub run: &'a ActionRun,
    pub principal: Principal,
}

impl Context<'_> {
    /// A value of the action's configuration, variables filled in.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.run.resolved.get(key).map(String::as_str)
    }

    pub fn required(&self, key: &str) -> Result<&str, ErrorDetails> {
        self.value(key).ok_or_else(|| failed("ConfigurationError", format!("the configuration lacks {key}")))
    }

    /// An input artifact by name.
    pub fn input(&self, name: &str) -> Result<&Artifact, ErrorDetails> {
        let found = self.run.inputs.iter().find(|artifact| artifact.name == name);
        found.ok_or_else(|| {
            failed("ConfigurationError", format!("`{name}` is no input artifact of the action"))
        })
    }
}

/// How far an action has come.
pub(super) enum Progress {
    /// As before.
    Running,
    /// It runs elsewhere under this id.
    Started {
        id: String,
        url: String,
    },
    Succeeded(Done),
}

/// What an action leaves.
#[derive(Default)]
pub(super) struct Done {
    pub summary: Option<String>,
    pub url: Option<String>,
    pub variables: BTreeMap<String, String>,
    pub revision: Option<Revision>,
}

/// A failure with the code CodePipeline gives it.
pub(super) fn failed(code: &str, message: impl Into<String>) -> ErrorDetails {
    ErrorDetails { code: code.to_owned(), message: message.into() }
}

/// A call of another service that the action needed was refused.
pub(super) fn refused(error: ServiceError) -> ErrorDetails {
    let code = if access::is_refusal(&error) { "PermissionError" } else { "ConfigurationError" };
    failed(code, error.to_string())
}
