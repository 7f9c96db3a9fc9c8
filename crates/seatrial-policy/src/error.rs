//! What AWS refuses as a malformed policy document.

/// A policy document that AWS would not take (`MalformedPolicyDocument`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No JSON at all, or a name twice in one object.
    #[error("{line}:{column}: {message}")]
    Json { line: usize, column: usize, message: String },
    /// Outside of any statement.
    #[error("policy: {0}")]
    Policy(Fault),
    /// In the statement of that index (from 0), by its Sid where it has one.
    #[error("statement {}: {fault}", name(*index, sid.as_deref()))]
    Statement { index: usize, sid: Option<String>, fault: Fault },
}

/// A value and the rule that it breaks, in IAM's own words where they are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` {rule}")]
pub struct Fault {
    pub value: String,
    pub rule: String,
}

impl Fault {
    pub(crate) fn new(value: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { value: value.into(), rule: rule.into() }
    }
}

fn name(index: usize, sid: Option<&str>) -> String {
    sid.map_or_else(|| index.to_string(), |sid| format!("{index} (`{sid}`)"))
}
