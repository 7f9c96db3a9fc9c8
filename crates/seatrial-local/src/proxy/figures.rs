//! How many requests a group was sent, how they ended, and how long targets took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use http::StatusCode;
use serde::Serialize;

use crate::metric::Statistics;

/// Counters of one group, since the process began.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    requests: AtomicU64,
    /// Answers of targets, by the first digit of their code.
    by_class: [AtomicU64; 6],
    /// Answers the load balancer gave itself, by the last digit of their code: 502, 503, 504.
    failed: [AtomicU64; 10],
    /// Connections to targets that could not be made.
    connection_errors: AtomicU64,
    /// Seconds until targets answered, since [`Figures::take`].
    response_times: Mutex<Option<Statistics>>,
    /// The counters at the last [`Figures::take`].
    taken: Mutex<Snapshot>,
    /// For the page alone, since [`Figures::tick`].
    second: Mutex<Second>,
}

/// What was counted in the second that goes on.
#[derive(Debug, Default)]
struct Second {
    /// The counters when it began.
    began: Snapshot,
    /// Microseconds; `None` until the first answer.
    times: Option<Histogram<u32>>,
}

/// Microseconds: two minutes, beyond which all are alike, with two digits kept.
const LONGEST: u64 = 120_000_000;

/// The counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Snapshot {
    pub requests: u64,
    pub target_2xx: u64,
    pub target_3xx: u64,
    pub target_4xx: u64,
    pub target_5xx: u64,
    /// 502, 503 and 504 of the load balancer itself.
    pub load_balancer_5xx: u64,
    pub load_balancer_502: u64,
    pub load_balancer_503: u64,
    pub load_balancer_504: u64,
    pub connection_errors: u64,
}

impl Figures {
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A target answered with that code, so long after the request had left for it.
    pub(super) fn answered(&self, status: StatusCode, after: Duration) {
        if let Some(count) = self.by_class.get(usize::from(status.as_u16() / 100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let time = Statistics::of(after.as_secs_f64(), 1.0);
        let mut times = self.response_times.lock().unwrap_or_else(PoisonError::into_inner);
        *times = Some(times.map_or(time, |times| times.and(time)));
        drop(times);
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.times.is_none() {
            second.times = Histogram::new_with_bounds(1, LONGEST, 2).ok();
        }
        if let Some(times) = &mut second.times {
            times.saturating_record(u64::try_from(after.as_micros()).unwrap_or(LONGEST));
        }
    }

    pub(super) fn failed(&self, status: StatusCode) {
        self.failed[usize::from(status.as_u16() % 10)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn connection_error(&self) {
        self.connection_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted since this was asked last, and how many seconds targets took; `None`: none answered.
    pub(crate) fn take(&self) -> (Snapshot, Option<Statistics>) {
        let now = self.snapshot();
        let before =
            std::mem::replace(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        let times = self.response_times.lock().unwrap_or_else(PoisonError::into_inner).take();
        (now.combined(&before, u64::saturating_sub), times)
    }

    /// What was counted since this was asked last, and in how many microseconds targets answered; `None`: none did.
    pub(crate) fn tick(&self) -> (Snapshot, Option<Histogram<u32>>) {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.snapshot();
        let before = std::mem::replace(&mut second.began, now.clone());
        (now.combined(&before, u64::saturating_sub), second.times.take())
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let class = |digit: usize| self.by_class[digit].load(Ordering::Relaxed);
        let failed = |digit: usize| self.failed[digit].load(Ordering::Relaxed);
        Snapshot {
            requests: self.requests.load(Ordering::Relaxed),
            target_2xx: class(2),
            target_3xx: class(3),
            target_4xx: class(4),
            target_5xx: class(5),
            load_balancer_5xx: self.failed.iter().map(|count| count.load(Ordering::Relaxed)).sum(),
            load_balancer_502: failed(2),
            load_balancer_503: failed(3),
            load_balancer_504: failed(4),
            connection_errors: self.connection_errors.load(Ordering::Relaxed),
        }
    }
}

impl Snapshot {
    /// The counters of both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        self.combined(other, u64::saturating_add)
    }

    fn combined(&self, other: &Self, with: fn(u64, u64) -> u64) -> Self {
        Self {
            requests: with(self.requests, other.requests),
            target_2xx: with(self.target_2xx, other.target_2xx),
            target_3xx: with(self.target_3xx, other.target_3xx),
            target_4xx: with(self.target_4xx, other.target_4xx),
            target_5xx: with(self.target_5xx, other.target_5xx),
            load_balancer_5xx: with(self.load_balancer_5xx, other.load_balancer_5xx),
            load_balancer_502: with(self.load_balancer_502, other.load_balancer_502),
            load_balancer_503: with(self.load_balancer_503, other.load_balancer_503),
            load_balancer_504: with(self.load_balancer_504, other.load_balancer_504),
            connection_errors: with(self.connection_errors, other.connection_errors),
        }
    }
}
