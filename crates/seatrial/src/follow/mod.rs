//! Following what goes on in AWS: polls become events. Drawing is done elsewhere.

mod build;
mod first_tasks;
mod log;
mod poll;
mod probe;
mod release;
mod rollout;
mod scaling;
mod stack;
mod stops;

use crate::aws::Aws;
use crate::session::Session;

pub(crate) use build::follow_build;
pub(crate) use first_tasks::{Doomed, doomed_tasks};
pub(crate) use log::StreamTail;
pub(crate) use poll::{Look, Poll};
pub(crate) use probe::{Address, Probe, ProbeTarget, Requests, WINDOW, status_of};
pub(crate) use release::{
    CHECK_ACTION, Evidence, Followed, Following, Gate, Left, Sign, TaskEvidence, Waits, evidence_of,
    follow_release, follow_rollout,
};
pub(crate) use scaling::{FOR_A_ROLLOUT, Releases, Scaling};
pub(crate) use stack::{StackEnd, follow_stack, follow_stack_seeing, rollback_of, root_cause};
pub(crate) use stops::{Cause, words};

/// Who asks, and on whose behalf.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub aws: &'a Aws,
    pub session: &'a Session,
}

impl<'a> Watch<'a> {
    /// A way to wait for `what`.
    pub(crate) fn poll(self, what: impl Into<String>, patience: std::time::Duration) -> Poll<'a> {
        Poll::new(self.session, self.aws.is_local(), what, patience).of(self.aws)
    }
}
