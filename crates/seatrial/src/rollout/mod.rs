//! How a new revision takes the place of the old one: a rollout. CodeDeploy does it today; who follows a release
//! knows only what is said here.

mod codedeploy;
mod traffic;

use std::future::Future;

use jiff::Timestamp;
use serde::Serialize;

use crate::aws::status::{Progress, deployment_waits, is_original, is_replacement, is_skipped};
use crate::aws::{AwsError, TrafficShare};

pub(crate) use codedeploy::CodeDeploy;
pub(crate) use traffic::{GROUPS, Routes, Traffic, Weight};

/// Which rollout: opaque to all but who gave it out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct RolloutId(pub String);

impl std::fmt::Display for RolloutId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rollout as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Rollout {
    pub id: RolloutId,
    pub progress: Progress,
    /// As AWS spells it.
    pub status: String,
    /// When it came to stand so, as far as AWS says.
    pub time: Option<Timestamp>,
    /// `CODE: message` where it failed.
    pub error: Option<String>,
    /// The rollout that puts the old revision back, where one does.
    pub rolled_back_by: Option<RolloutId>,
    pub steps: Vec<RolloutStep>,
    pub traffic: Vec<TrafficShare>,
}

impl RolloutStep {
    /// Whether it began, and was not passed over.
    pub(crate) fn ran(&self) -> bool {
        self.progress.is_some() && !is_skipped(&self.status)
    }
}

impl Rollout {
    /// One that stands so, and of which nothing else is known.
    #[cfg(test)]
    pub(crate) fn of_test(progress: Progress) -> Self {
        let status = match progress {
            Progress::Running => "InProgress",
            Progress::Succeeded => "Succeeded",
            Progress::Failed => "Stopped",
        };
        Self {
            id: RolloutId(String::new()),
            progress,
            status: status.to_owned(),
            time: None,
            error: None,
            rolled_back_by: None,
            steps: Vec::new(),
            traffic: Vec::new(),
        }
    }

    /// Whether it waits for somebody's word before traffic moves.
    pub(crate) fn awaits_word(&self) -> bool {
        deployment_waits(&self.status)
    }

    /// The new revision's share, once there is one.
    pub(crate) fn replacement(&self) -> Option<&TrafficShare> {
        self.traffic.iter().find(|share| is_replacement(&share.label))
    }

    /// The share of the revision that is to be replaced.
    pub(crate) fn original(&self) -> Option<&TrafficShare> {
        self.traffic.iter().find(|share| is_original(&share.label))
    }
}

/// One step of a rollout: a lifecycle event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RolloutStep {
    pub name: String,
    /// As AWS spells it.
    pub status: String,
    /// `None` before its turn.
    #[serde(skip)]
    pub progress: Option<Progress>,
    pub time: Option<Timestamp>,
    pub diagnostics: Option<String>,
}

/// Who rolls out.
pub(crate) trait Strategy: Sync {
    /// The provider of the pipeline's action that starts a rollout, as AWS spells it.
    const PROVIDER: &'static str;

    /// A rollout as it stands now.
    fn look(&self, id: &RolloutId) -> impl Future<Output = Result<Rollout, AwsError>> + Send;

    /// Ends a rollout that runs, with the old revision put back. Whether it still ran.
    fn stop(&self, id: &RolloutId) -> impl Future<Output = Result<bool, AwsError>> + Send;

    /// Has a rollout that waits for somebody's word move traffic. Whether it still waited.
    fn go_on(&self, id: &RolloutId) -> impl Future<Output = Result<bool, AwsError>> + Send;

    /// Where the new revision answers before traffic moves, as a URL; `None` where it answers nowhere.
    fn preview(&self) -> impl Future<Output = Result<Option<String>, AwsError>> + Send;

    /// The newest rollout; `None` before the first.
    fn newest(&self) -> impl Future<Output = Result<Option<RolloutId>, AwsError>> + Send;

    /// Where the production traffic goes.
    fn weights(&self) -> impl Future<Output = Result<Vec<Weight>, AwsError>> + Send;
}
