//! How many requests a group was sent, and how they ended.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use serde::Serialize;

/// Counters of one group, since the process began.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    requests: AtomicU64,
    /// Answers of targets, by the first digit of their code.
    by_class: [AtomicU64; 6],
    /// Answers the load balancer gave itself: 502, 503, 504.
    failed: AtomicU64,
    /// Connections to targets that could not be made.
    connection_errors: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Snapshot {
    pub requests: u64,
    pub target_2xx: u64,
    pub target_3xx: u64,
    pub target_4xx: u64,
    pub target_5xx: u64,
    /// 502, 503 and 504 of the load balancer itself.
    pub load_balancer_5xx: u64,
    pub connection_errors: u64,
}

impl Figures {
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, status: StatusCode) {
        if let Some(count) = self.by_class.get(usize::from(status.as_u16() / 100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn connection_error(&self) {
        self.connection_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let class = |digit: usize| self.by_class[digit].load(Ordering::Relaxed);
        Snapshot {
            requests: self.requests.load(Ordering::Relaxed),
            target_2xx: class(2),
            target_3xx: class(3),
            target_4xx: class(4),
            target_5xx: class(5),
            load_balancer_5xx: self.failed.load(Ordering::Relaxed),
            connection_errors: self.connection_errors.load(Ordering::Relaxed),
        }
    }
}
