//! A real Postgres server, the built application, and an HTTP client of one request a connection.

pub(crate) mod application;
pub(crate) mod postgres;

use std::time::{Duration, Instant};

/// Longest wait for anything a test waits for.
const DEADLINE: Duration = Duration::from_secs(30);

/// Tries until `attempt` gives a value; fails the test with `what` at the deadline.
pub(crate) fn poll<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(started.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
