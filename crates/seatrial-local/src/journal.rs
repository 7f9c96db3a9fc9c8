//! Each call that went through the door: who, what, on what, and how it ended.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::clock::Epoch;

/// Older entries than this many are forgotten.
const CAPACITY: usize = 50_000;

/// One call.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub time: Epoch,
    pub principal: String,
    /// The service's signing name: `ecs`, `elasticloadbalancing`.
    pub service: &'static str,
    pub operation: &'static str,
    /// The ARN the operation acts on, or `*`.
    pub resource: String,
    pub allowed: bool,
    /// AWS's error code, where the call failed.
    pub error: Option<String>,
}

/// The journal of one local cloud, kept in memory.
#[derive(Default)]
pub struct Journal {
    entries: Mutex<VecDeque<Entry>>,
}

impl Journal {
    pub(crate) fn record(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
