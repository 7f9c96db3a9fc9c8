//! What a benchmark finds.

use std::collections::BTreeMap;
use std::time::Duration;

use super::measure::Measured;
use super::tools::Tool;

/// What one tool took for one project.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub fresh: Duration,
    pub no_op: Duration,
    pub change: Duration,
}

/// All tools on one project.
pub(super) struct Compared {
    pub stacks: usize,
    /// The critical path of a chain: that of all, for chains need nothing of each other.
    pub critical_path: Duration,
    /// Or why a tool could not.
    /// A no-op of ours without cargo in front of it.
    pub without_cargo: Duration,
    pub times: BTreeMap<Tool, Result<Times, String>>,
}

/// Ours alone.
pub(super) struct Grown {
    pub stacks: usize,
    pub fresh: Measured,
    pub no_op: Duration,
    pub no_op_kib: Option<u64>,
}

#[derive(Default)]
pub(super) struct Results {
    pub compared: Vec<Compared>,
    pub grown: Vec<Grown>,
    pub own: Option<Own>,
}

/// The sample application's eleven stacks.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub fresh: Duration,
    /// Of stacks and image build, in real time.
    pub critical_path: Duration,
    pub image_build: Duration,
    /// All stacks' own critical paths and the image build, one after the other.
    pub in_turn: Duration,
    pub by_loop: Duration,
    pub no_op: Duration,
    pub no_op_by_loop: Duration,
}
