//! Users of the sample application, from one thread of this process: requests by the clock over connections that are
//! kept, and slow ones beside them, which are counted apart.
//!
//! Requests start when they are due, whatever became of those before, and their latency counts from that moment: a
//! stall shows as latency, not as fewer requests. One that was not sent, for its connection had been closed while nobody
//! used it, is sent on another, as every browser does; nothing else is sent twice.

mod connect;
mod fast;
mod figures;
mod slow;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use connect::Connector;
pub(crate) use figures::Figures;

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
struct Shared {
    record: Mutex<Record>,
    stop: AtomicBool,
}

impl Shared {
    fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn note(&self, note: impl FnOnce(&mut Record)) {
        note(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Requests that go on until they are told to end.
pub(crate) struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// # Errors
    /// In words: why nothing can be asked.
    pub(crate) fn start(target: Target) -> Result<Self, String> {
        let connector = Connector::new(&target)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("failed to start the load: {error}"))?;
        let shared = Arc::new(Shared { record: Mutex::default(), stop: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let slow = slow::ask(connector.clone(), Arc::clone(&of_thread));
                tokio::join!(fast::ask(connector, target.rate, Arc::clone(&of_thread)), slow);
            });
        });
        Ok(Self { shared, thread: Some(thread) })
    }

    /// How many of the fast ones have failed so far.
    pub(crate) fn failed(&self) -> usize {
        let record = self.shared.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.fast.iter().filter(|asked| asked.failed.is_some()).count()
    }

    /// Starts no more requests, and waits for the last answers.
    pub(crate) fn finish(mut self) -> Record {
        self.end();
        std::mem::take(&mut *self.shared.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // One that panicked has asked less than it should: the rate shows it.
            let _ = thread.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests;
