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

    pub(crate) fn minus(self, duration: Duration) -> Self {
        Self(self.0 - duration.as_secs_f64())
    }

    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration.as_secs_f64())
    }
}

/// The source of time; cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    scale: f64,
    #[cfg(test)]
    hands: Option<&'static Hands>,
}

/// A time that a test sets: it stands still until it is moved.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Hands(std::sync::atomic::AtomicU64);

#[cfg(test)]
impl Hands {
    /// Some moment; it lives as long as the test's process.
    pub(crate) fn new() -> &'static Self {
        Box::leak(Box::new(Self(std::sync::atomic::AtomicU64::new(1_800_000_000_000))))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_add(milliseconds, std::sync::atomic::Ordering::SeqCst);
    }

    fn time(&self) -> Epoch {
        Epoch(self.0.load(std::sync::atomic::Ordering::SeqCst) as f64 / 1000.0)
    }
}

impl Clock {
    /// `scale` seconds of AWS's waits pass in one real second; values below 1 count as 1.
    pub fn new(scale: f64) -> Self {
        Self {
            scale: if scale.is_finite() { scale.max(1.0) } else { 1.0 },
            #[cfg(test)]
            hands: None,
        }
    }

    /// AWS's own waits, by a time that the test sets.
    #[cfg(test)]
    pub(crate) fn by(hands: &'static Hands) -> Self {
        Self { scale: 1.0, hands: Some(hands) }
    }

    pub fn now(self) -> Epoch {
        #[cfg(test)]
        if let Some(hands) = self.hands {
            return hands.time();
        }
        Epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
    }

    /// Real seconds that a minute of metrics lasts, at least [`SHORTEST_MINUTE`]: alarms wait with what they watch.
    pub(crate) fn metric_minute(self) -> f64 {
        self.scaled(Duration::from_secs(60)).max(SHORTEST_MINUTE).as_secs_f64()
    }

    /// How many seconds of AWS's waits pass in one.
    pub(crate) fn scale(self) -> f64 {
        self.scale
    }

    /// How long a wait that AWS makes `duration` long takes here.
    pub fn scaled(self, duration: Duration) -> Duration {
        duration.div_f64(self.scale)
    }
}
