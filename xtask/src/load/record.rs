//! What is asked, and what became of it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the application answers, and how often it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The load balancer's listener, `127.0.0.1:PORT`.
    pub address: String,
    /// What Host and, in TLS, SNI say.
    pub host: String,
    /// The certificate authority, as PEM, of a listener that speaks TLS.
    pub authority: Option<PathBuf>,
    /// Requests a second.
    pub rate: u32,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// When it was to start, in seconds since 1970.
    pub due: f64,
    /// From then to the last byte of the answer.
    pub took_ms: f64,
    /// What it met instead of the answer that is expected.
    pub failed: Option<Box<str>>,
}

/// What became of all requests, in the order in which they ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub fast: Vec<Asked>,
    pub slow: Vec<Asked>,
    /// Those that were due and not sent: more were unanswered than may be.
    pub skipped: u64,
}

/// What the thread and those who look share.
#[derive(Default)]
pub(super) struct Shared {
    record: Mutex<Record>,
    stop: AtomicBool,
}

impl Shared {
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Looks at the record, or notes something in it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Record) -> T) -> T {
        look(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
