//! How often to ask, and for how long.

use std::time::{Duration, Instant};

/// The time that was allowed has passed; what was waited for goes on in AWS.
#[derive(Debug, thiserror::Error)]
#[error("{what} did not end within {} minutes", .patience.as_secs().div_ceil(60))]
pub(crate) struct DeadlinePassed {
    pub what: String,
    pub patience: Duration,
}

/// Pauses that grow while nothing happens, up to a limit, until a deadline.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    first: Duration,
    limit: Duration,
    next: Duration,
    started: Instant,
    patience: Duration,
}

impl Pace {
    /// AWS publishes no rates; one call an object every few seconds has never been throttled. The local cloud
    /// may be asked much more often.
    pub(crate) fn new(local: bool, patience: Duration) -> Self {
        let (first, limit) = if local { (25, 250) } else { (3_000, 12_000) };
        let first = Duration::from_millis(first);
        Self { first, limit: Duration::from_millis(limit), next: first, started: Instant::now(), patience }
    }

    /// Something happened: ask again soon.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    /// Waits before the next question about `what`.
    pub(crate) async fn pause(&mut self, what: impl FnOnce() -> String) -> Result<(), DeadlinePassed> {
        if self.started.elapsed() > self.patience {
            return Err(DeadlinePassed { what: what(), patience: self.patience });
        }
        // A tenth more or less, so that followers of several stacks do not ask at the same moment.
        let jitter = rand::random_range(0.9..1.1);
        tokio::time::sleep(self.next.mul_f64(jitter)).await;
        self.next = self.next.mul_f64(1.5).min(self.limit);
        Ok(())
    }
}
