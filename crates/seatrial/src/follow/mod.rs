//! Following what goes on in AWS: polls become typed events. Each wait has a deadline and a back-off; drawing
//! is done elsewhere.

mod build;
mod deployment;
mod event;
mod pace;
mod probe;
mod release;
mod stack;

pub(crate) use build::follow_build;
pub(crate) use event::{Event, Sink};
pub(crate) use pace::{DeadlinePassed, Pace};
pub(crate) use probe::{Probe, ProbeTarget, Requests};
pub(crate) use release::{ReleaseEnd, ReleaseWatch, follow_release};
pub(crate) use stack::{follow_stack, root_cause};
