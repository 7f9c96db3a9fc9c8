//! What a check finds, and what to do about it.

use std::fmt;

use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Ok,
    /// It stands in the way of a provision or a release.
    Failed,
    /// It stands in nobody's way, and is dangerous.
    Warned,
    /// Nothing is known; what to look at is said.
    NotChecked,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub check: &'static str,
    pub result: Verdict,
    pub found: String,
    /// What to type or to change.
    pub remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, result: Verdict::Ok, found: found.into(), remedy: None }
    }

    pub(super) fn failed(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, result: Verdict::Failed, found: found.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn warned(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, result: Verdict::Warned, found: found.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn not_checked(check: &'static str, why: impl Into<String>, look: Option<String>) -> Self {
        Self { check, result: Verdict::NotChecked, found: why.into(), remedy: look }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.result {
            Verdict::Ok => "OK",
            Verdict::Failed => "FAILED",
            Verdict::Warned => "WARNING",
            Verdict::NotChecked => "NOT CHECKED",
        };
        write!(f, "{verdict:<12} {:<12} {}", self.check, self.found)?;
        let remedy = self.remedy.as_ref();
        remedy.map_or(Ok(()), |remedy| write!(f, "\n{:<26}{remedy}", ""))
    }
}
