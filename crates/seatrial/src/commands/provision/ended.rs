//! How the stacks of one run ended.

use serde::Serialize;

/// One stack at the end.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StackResult {
    /// The stack's name in AWS.
    pub name: String,
    pub status: String,
    pub changed: bool,
    pub duration_s: f64,
}

/// How all nodes ended.
#[derive(Default)]
pub(super) struct Applied {
    pub stacks: Vec<StackResult>,
    pub errors: Vec<anyhow::Error>,
    /// Stacks of this environment whose template is gone.
    pub orphans: Vec<String>,
    /// Where a person has still to complete the connection's handshake.
    pub handshake: Option<String>,
}
