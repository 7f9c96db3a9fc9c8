//! One step of a deployment: what it works on, and what may hinder it.

use std::sync::Arc;
use std::time::Duration;

use crate::cloud::Cloud;
use crate::engine::Next;
use crate::error::ServiceError;
use crate::persist::PersistError;
use crate::principal::Principal;
use crate::services::codedeploy::deployment::{Phase, Row};
use crate::services::codedeploy::store::CodeDeploy;

/// Between two looks at what something else changes.
pub(super) const LOOK: Duration = Duration::from_millis(50);
/// Between two looks at what only time changes.
pub(super) const GLANCE: Duration = Duration::from_millis(250);

/// Why a step was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may be well at the next try.
    Passing(ServiceError),
    /// The deployment fails with AWS's error code.
    Fatal { code: &'static str, message: String },
    /// The deployment stops: alarms, a wait that nobody ended.
    Stop { code: &'static str, message: String, event: &'static str },
}

impl From<PersistError> for Trouble {
    fn from(error: PersistError) -> Self {
        Self::Passing(error.into())
    }
}

/// One step of one deployment.
pub(super) struct Turn<'a> {
    pub cloud: &'a Cloud,
    pub store: Arc<CodeDeploy>,
    pub row: Row,
    pub principal: Principal,
}

impl Turn<'_> {
    /// Writes the record, and says when it is looked at again.
    pub(super) fn save(&self, pause: Duration) -> Result<Next, Trouble> {
        self.store.save(&self.row)?;
        Ok(Next::After(pause))
    }

    /// Writes the record, whose phase is now `phase`.
    pub(super) fn enter(&mut self, phase: Phase) -> Result<Next, Trouble> {
        self.row.enter(phase, self.cloud.clock().now());
        self.save(Duration::ZERO)
    }

    /// Whether `minutes` of AWS's time have passed since the phase began.
    pub(super) fn has_waited(&self, minutes: i64) -> bool {
        let wait = Duration::from_secs(u64::try_from(minutes).unwrap_or_default() * 60);
        self.cloud.clock().now().since(self.row.since) >= self.cloud.clock().scaled(wait)
    }
}
