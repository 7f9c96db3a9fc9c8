//! What is known of a release that is no longer followed.

use super::evidence::Evidence;
use super::judge::Sign;
use super::left::Left;
use crate::aws::{ActionRun, Execution};
use crate::follow::Requests;
use crate::rollout::Rollout;

/// How it ended.
#[derive(Debug)]
pub(crate) struct Followed {
    pub execution: Execution,
    /// Why it was left before its end: it goes on.
    pub left: Option<Left>,
    /// Why no request was sent, where the reason showed only then.
    pub unprobed: Option<String>,
    pub actions: Vec<ActionRun>,
    pub rollout: Option<Rollout>,
    /// The rollout that put the old revision back, where one did, at its end.
    pub rollback: Option<Rollout>,
    pub requests: Option<Requests>,
    /// The lifecycle event that ended the following: the rollout goes on.
    pub reached: Option<&'static str>,
    /// Why the rollout was stopped before its time, if it was.
    pub sign: Option<Sign>,
    /// What the new revision's tasks showed, where the rollout did not go well.
    pub evidence: Option<Evidence>,
}
