//! What EC2 said of the ways to targets, for as long as it counts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer about a target counts. Health checks come several times a second, and each question is
/// an entry in the journal.
const FRESH: Duration = Duration::from_secs(3);

/// What EC2 said last of each target, and when.
#[derive(Default)]
pub(super) struct Reach {
    known: Mutex<HashMap<String, (bool, Instant)>>,
}

impl Reach {
    pub(super) fn fresh(&self, key: &str) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(_, since)| since.elapsed() < FRESH).map(|(allowed, _)| *allowed)
    }

    pub(super) fn learn(&self, key: String, allowed: bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, since)| since.elapsed() < FRESH);
        known.insert(key, (allowed, Instant::now()));
    }
}
