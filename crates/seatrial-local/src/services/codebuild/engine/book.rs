//! Keeping a build's record: phases entered and left, and the end.

use std::sync::Arc;

use super::super::store::{Build, BuildRecord, CodeBuild, Phase, PhaseContext};
use crate::clock::{Clock, Epoch};
use crate::cloud::Cloud;

/// How a build ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Succeeded,
    Failed,
    Stopped,
    TimedOut,
    /// Not its own failure; why.
    Fault(&'static str),
}

impl End {
    fn status(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
            Self::TimedOut => "TIMED_OUT",
            Self::Fault(_) => "FAULT",
        }
    }

    /// What the phase in which it came is marked with.
    fn context(self) -> Option<PhaseContext> {
        let context = |status_code: &str, message: &str| {
            Some(PhaseContext { status_code: status_code.to_owned(), message: message.to_owned() })
        };
        match self {
            Self::Succeeded | Self::Failed | Self::Stopped => None,
            Self::TimedOut => context("BUILD_TIMED_OUT", "Build has timed out. "),
            Self::Fault(message) => context("INTERNAL_SERVICE_ERROR", message),
        }
    }
}

/// The record of one build.
pub(super) struct Book {
    part: Arc<CodeBuild>,
    clock: Clock,
    id: String,
}

impl Book {
    pub fn new(cloud: &Cloud, id: &str) -> Self {
        Self { part: cloud.part(), clock: cloud.clock(), id: id.to_owned() }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Changes the record; a log that cannot be written is reported, for the build itself goes on.
    pub fn update(&self, change: impl FnOnce(&mut BuildRecord)) {
        if let Err(error) = self.part.builds.update(&self.id, change) {
            tracing::error!(build = self.id, %error, "the state of a build was not kept");
        }
    }

    pub fn take_up(&self) {
        self.update(|record| record.taken_up = true);
    }

    pub fn enter(&self, phase: &str) {
        let now = self.clock.now();
        self.update(|record| enter(&mut record.build, phase, now));
    }

    /// Ends the phase that was entered last.
    pub fn leave(&self, result: &Result<(), PhaseContext>) {
        let (status, context) = match result {
            Ok(()) => ("SUCCEEDED", None),
            Err(context) => ("FAILED", Some(context.clone())),
        };
        let now = self.clock.now();
        self.update(|record| leave(&mut record.build, status, context, now));
    }

    /// Ends the build, and the phase that is still open with it.
    pub fn finish(&self, end: End) {
        let now = self.clock.now();
        self.update(|record| {
            let build = &mut record.build;
            if build.phases.last().is_some_and(|phase| phase.phase_status.is_none()) {
                leave(build, end.status(), end.context(), now);
            }
            enter(build, "COMPLETED", now);
            build.build_status = end.status().to_owned();
            build.build_complete = true;
            build.end_time = Some(now);
        });
    }
}

fn enter(build: &mut Build, phase: &str, now: Epoch) {
    build.current_phase = phase.to_owned();
    build.phases.push(Phase {
        phase_type: phase.to_owned(),
        phase_status: None,
        start_time: now,
        end_time: None,
        duration_in_seconds: None,
        contexts: Vec::new(),
    });
}

fn leave(build: &mut Build, status: &str, context: Option<PhaseContext>, now: Epoch) {
    let Some(phase) = build.phases.last_mut() else { return };
    phase.phase_status = Some(status.to_owned());
    phase.end_time = Some(now);
    phase.duration_in_seconds = Some(now.since(phase.start_time).as_secs());
    phase.contexts.extend(context);
}
