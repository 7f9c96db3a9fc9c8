//! A first cause: which it is, in words, with what shows it and what mends it.

use serde::{Deserialize, Serialize};

use crate::follow::Cause;

/// The first cause. Its names are a contract: added to, never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Superseded,
    Stopped,
    /// The connection to the repository waits for its handshake, or was taken away.
    Connection,
    /// Repository, branch or commit.
    Source,
    /// An action that a role may not take.
    Denied,
    Build,
    BuildTimedOut,
    BuildQueue,
    /// The task that brings the database in step, before any traffic moves.
    Migration,
    /// What new tasks have to show before any traffic goes to them.
    Check,
    /// imageDetail.json, taskdef.json or appspec.yaml is missing or wrong.
    Artifacts,
    AppSpec,
    /// Another deployment of the group runs.
    Busy,
    Alarm,
    /// It was ready, and nobody continued it.
    NotContinued,
    LifecycleEvent,
    TimedOut,
    Requests,
    Other,
    /// A task of the new revision stopped.
    #[serde(untagged)]
    Task(Cause),
}

/// The cause, in words, with what shows it and what mends it.
pub(super) struct Told {
    pub kind: Kind,
    pub what: String,
    pub evidence: Vec<String>,
    pub next: Vec<String>,
}

impl Told {
    pub(super) fn new(kind: Kind, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { kind, what: what.into(), evidence: Vec::new(), next: vec![next.into()] }
    }
}

/// Whether any of the words is in the text, whatever its case.
pub(super) fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}
