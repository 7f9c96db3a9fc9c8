//! The time that engines see, and how waits shrink in a rehearsal.
//!
//! Scaled by `--time-scale`: bake times, canary intervals, termination waits, health-check intervals, and the minutes of
//! metrics, by which alarms wait.
//! Never scaled: health-check time-outs, stop time-outs, builds, requests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Shorter ones would measure how busy this machine is.
const SHORTEST_MINUTE: Duration = Duration::from_millis(250);

/// Seconds since 1970 with fractions: the form in which AWS's JSON protocols carry timestamps.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub f64);

impl Epoch {
    /// The time that passed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from_secs_f64(self.0 - earlier.0).unwrap_or(Duration::ZERO)
    }

    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration.as_secs_f64())
    }
}

/// The source of time; cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    scale: f64,
}

impl Clock {
    /// `scale` seconds of AWS's waits pass in one real second; values below 1 count as 1.
    pub fn new(scale: f64) -> Self {
        Self { scale: if scale.is_finite() { scale.max(1.0) } else { 1.0 } }
    }

    pub fn now(self) -> Epoch {
        Epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
    }

    /// Real seconds that a minute of metrics lasts, at least [`SHORTEST_MINUTE`]: alarms wait with what they watch.
    pub(crate) fn metric_minute(self) -> f64 {
        self.scaled(Duration::from_secs(60)).max(SHORTEST_MINUTE).as_secs_f64()
    }

    /// How long a wait that AWS makes `duration` long takes here.
    pub fn scaled(self, duration: Duration) -> Duration {
        duration.div_f64(self.scale)
    }
}
