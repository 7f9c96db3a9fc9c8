//! What whoever follows a release has to say.

use std::time::Duration;

use super::evidence::Evidence;
use super::gate::Gate;
use super::waits::Waits;
use crate::follow::{ProbeTarget, Scaling};

/// What to follow.
pub(crate) struct Following<'a> {
    pub pipeline: &'a str,
    pub execution: &'a str,
    pub cluster: &'a str,
    pub service: &'a str,
    /// ARNs of the target groups that the service may stand behind.
    pub groups: [&'a str; 2],
    /// How long it may take: what the environment waits for on purpose, and what everything else takes at most.
    pub patience: Duration,
    /// What of that its rollout waits for on purpose.
    pub waits: Waits,
    /// What is done where it waits for somebody's word.
    pub gate: Gate,
    /// Suspended from before its rollout begins; whoever has it followed resumes it. `None` leaves scaling alone.
    pub scaling: Option<&'a Scaling<'a>>,
    /// The lifecycle event of the rollout whose end ends the following; `None` for the end of all.
    pub until: Option<&'static str>,
    /// Asked from the rollout's first moment to its last; `None` for no probe.
    pub probe: Option<ProbeTarget>,
    /// So many requests may fail within ten seconds once traffic shifts.
    pub budget: u32,
    /// Keeps what the tasks of a new revision showed that did not go well, while they are there.
    pub keep: &'a (dyn Fn(&Evidence) + Sync),
}
