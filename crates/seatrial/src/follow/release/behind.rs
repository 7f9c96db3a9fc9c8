//! How long a rollout that failed is asked for the one that rolls it back.

use std::time::Duration;

use tokio::time::Instant;

/// So long after its end it may name it: AWS makes a rollback only then, and promises no time.
const UNNAMED: Duration = Duration::from_secs(60);
/// The same in the local cloud, which names it as it ends the other.
const UNNAMED_HERE: Duration = Duration::from_secs(1);

/// The time since its end was seen.
#[derive(Debug, Default)]
pub(super) struct Behind {
    since: Option<Instant>,
}

impl Behind {
    /// Whether it is still to be asked.
    pub(super) fn waits(&mut self, now: Instant, is_local: bool) -> bool {
        let patience = if is_local { UNNAMED_HERE } else { UNNAMED };
        now.duration_since(*self.since.get_or_insert(now)) <= patience
    }
}
