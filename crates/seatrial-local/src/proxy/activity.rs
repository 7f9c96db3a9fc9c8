//! Whether anything moves on a connection: one on which nothing does is given up after the idle time-out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When something last moved on a connection.
#[derive(Clone)]
pub(super) struct Activity {
    last: Arc<Mutex<Instant>>,
    /// What the client sends has come whole.
    received: Arc<AtomicBool>,
}

impl Default for Activity {
    fn default() -> Self {
        Self { last: Arc::new(Mutex::new(Instant::now())), received: Arc::default() }
    }
}

impl Activity {
    pub(super) fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn set_received(&self) {
        self.received.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_received(&self) -> bool {
        self.received.load(Ordering::SeqCst)
    }

    /// Ends when nothing moved for so long.
    pub(super) async fn idle_for(&self, timeout: Duration) {
        loop {
            let until = *self.last.lock().unwrap_or_else(PoisonError::into_inner) + timeout;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}
