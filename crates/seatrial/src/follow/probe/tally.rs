//! What became of the requests of a probe: latencies in bounded memory, and when the last ones failed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde::Serialize;

use seatrial_ask::TIMEOUT;

/// Failures in so long a time are counted against the budget.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);
/// Words of failures that are kept.
const KEPT: usize = 5;
/// More failures than this within the window say nothing new.
const COUNTED: usize = 10_000;
/// So many seconds are kept apart, the newest: two hours.
const SECONDS: usize = 7_200;

/// Requests sent, and how they were answered. Milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Requests {
    pub sent: u64,
    pub failed: u64,
    /// How many of those that failed nobody answered: the network between may be to blame.
    pub unanswered: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Requests a second that were really sent.
    pub rate: f64,
    /// By the second at which they ended, for a report.
    #[serde(skip)]
    pub seconds: Vec<Second>,
    /// What the first failed requests met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
    /// Why the probe itself ended before it was told to: then nothing is known of the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// What ended in one second.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Second {
    /// Since 1970.
    pub time: i64,
    pub ended: u64,
    pub failed: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// The second that goes on.
#[derive(Default)]
struct Current {
    second: Second,
    /// Microseconds.
    latencies: Vec<u64>,
}

impl Current {
    fn summed(&self) -> Second {
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable();
        let at = |percent: usize| {
            let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
            rounded(latencies.get(index).copied().unwrap_or_default() as f64 / 1_000.0)
        };
        Second { p50_ms: at(50), p99_ms: at(99), ..self.second.clone() }
    }
}

pub(super) struct Tally {
    /// Microseconds from the moment at which a request was due: one that waits behind others has waited.
    latencies: Histogram<u32>,
    answered: u64,
    badly: u64,
    failures: Vec<String>,
    seconds: VecDeque<Second>,
    current: Current,
    /// When bad answers came.
    recent: VecDeque<Instant>,
    last_answer: Option<String>,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    pub what: String,
    /// It was answered, and badly; else nobody knows who is to blame: the network between, or whoever asks.
    pub is_answer: bool,
}

impl Tally {
    /// # Errors
    /// In words: never but for a fault of the limits that are given here.
    pub(super) fn new() -> Result<Self, String> {
        let most = u64::try_from(TIMEOUT.as_micros()).unwrap_or(u64::MAX).saturating_mul(6);
        let latencies = Histogram::new_with_bounds(1, most, 3).map_err(|error| error.to_string())?;
        Ok(Self {
            latencies,
            answered: 0,
            badly: 0,
            failures: Vec::new(),
            seconds: VecDeque::new(),
            current: Current::default(),
            recent: VecDeque::new(),
            last_answer: None,
        })
    }

    pub(super) fn count(&mut self, latency: Duration, answer: Result<(), Failure>, now: Instant) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(microseconds);
        self.count_second(Timestamp::now().as_second(), (microseconds, answer.is_err()));
        let Err(failure) = answer else {
            self.answered += 1;
            return;
        };
        if self.failures.len() < KEPT {
            self.failures.push(failure.what.clone());
        }
        if !failure.is_answer {
            return;
        }
        self.badly += 1;
        self.last_answer = Some(failure.what);
        while self.recent.front().is_some_and(|at| now.duration_since(*at) > WINDOW)
            || self.recent.len() >= COUNTED
        {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
    }

    fn count_second(&mut self, time: i64, (microseconds, failed): (u64, bool)) {
        if self.current.second.time != time {
            let last = std::mem::take(&mut self.current);
            if last.second.ended > 0 {
                if self.seconds.len() == SECONDS {
                    self.seconds.pop_front();
                }
                self.seconds.push_back(last.summed());
            }
            self.current.second.time = time;
        }
        self.current.second.ended += 1;
        self.current.second.failed += u64::from(failed);
        self.current.latencies.push(microseconds);
    }

    /// How many were answered badly within the window that ends now, and after `since`.
    pub(super) fn failed_since(&self, since: Instant, now: Instant) -> usize {
        self.recent.iter().filter(|at| **at >= since && now.duration_since(**at) <= WINDOW).count()
    }

    /// How many are known to have failed.
    pub(super) fn failed(&self) -> u64 {
        self.latencies.len() - self.answered
    }

    /// How many are known to have ended, well or not.
    pub(super) fn counted(&self) -> u64 {
        self.latencies.len()
    }

    pub(super) fn last_bad_answer(&self) -> Option<&str> {
        self.last_answer.as_deref()
    }

    pub(super) fn summary(&self, sent: u64, elapsed: Duration) -> Requests {
        let percentile = |percent: f64| rounded(self.latencies.value_at_quantile(percent) as f64 / 1_000.0);
        Requests {
            sent,
            // Not what was counted as failed: of a request that broke off nothing was counted.
            failed: sent - self.answered,
            unanswered: sent - self.answered - self.badly,
            p50_ms: percentile(0.5),
            p99_ms: percentile(0.99),
            max_ms: rounded(self.latencies.max() as f64 / 1_000.0),
            rate: rounded(sent as f64 / elapsed.as_secs_f64().max(0.001)),
            seconds: self
                .seconds
                .iter()
                .cloned()
                .chain([self.current.summed()])
                .filter(|one| one.ended > 0)
                .collect(),
            failures: self.failures.clone(),
            broken: None,
        }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
