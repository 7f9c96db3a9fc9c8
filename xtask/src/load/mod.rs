//! Users of the sample application, from one thread of this process: requests by the clock over connections that are
//! kept, and slow ones beside them, which are counted apart.
//!
//! Requests start when they are due, whatever became of those before, and their latency counts from that moment: a
//! stall shows as latency, not as fewer requests. One that was not sent, for its connection had been closed while nobody
//! used it, is sent on another, as every browser does; nothing else is sent twice.

mod connect;
mod fast;
mod figures;
mod record;
mod slow;

use std::sync::Arc;
use std::thread::JoinHandle;

use connect::Connector;
pub(crate) use figures::Figures;
use record::Shared;
pub(crate) use record::{Record, Target, now};

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
        let shared = Arc::new(Shared::default());
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
        self.shared.look(|record| record.fast.iter().filter(|asked| asked.failed.is_some()).count())
    }

    /// Starts no more requests, and waits for the last answers.
    pub(crate) fn finish(mut self) -> Record {
        self.end();
        self.shared.look(std::mem::take)
    }

    fn end(&mut self) {
        self.shared.stop();
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

#[cfg(test)]
mod tests;
