//! The probe: requests to the production listener at a steady rate, and what became of them.
//!
//! Requests start by the clock, not when the one before has ended, and their latency counts from the moment at which
//! they were due: a stall shows as latency, and not as fewer requests. A request has failed if no answer came, or one
//! that is not expected.

mod tally;

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use seatrial_local::open_files;
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::exit::Interrupted;
use crate::session::Cancel;
use seatrial_ask::{Asker, TIMEOUT};
use tally::{Failure, Tally};

pub(crate) use seatrial_ask::Address;
pub(crate) use tally::{Requests, WINDOW};

/// More unanswered requests than this at once mean an outage, which shows without more of them.
const IN_FLIGHT: u32 = 512;

/// What to ask, and how often.
#[derive(Debug, Clone)]
pub(crate) struct ProbeTarget {
    pub address: Address,
    /// Starts with `/`.
    pub path: String,
    /// The statuses that are good answers.
    pub expected: Vec<RangeInclusive<u16>>,
    /// Requests a second.
    pub rate: u32,
    /// The probe goes on until this many were sent.
    pub at_least: u64,
}

impl ProbeTarget {
    fn url(&self) -> String {
        format!("{}{}", self.address.url, self.path)
    }

    fn judge(&self, answer: Result<u16, String>) -> Result<(), Failure> {
        match answer {
            Ok(status) if self.expected.iter().any(|range| range.contains(&status)) => Ok(()),
            Ok(status) => Err(Failure { what: format!("status {status}"), is_answer: true }),
            Err(what) => Err(Failure { what, is_answer: false }),
        }
    }

    /// Asks once, before anything is counted.
    ///
    /// # Errors
    /// In words: why nothing answers, or what does that is not expected.
    pub(crate) async fn answers(&self) -> Result<(), String> {
        self.judge(status_of(&self.address, &self.path).await).map_err(|failure| failure.what)
    }
}

/// The status that a GET is answered with, redirects not followed; else why there is none.
pub(crate) async fn status_of(address: &Address, path: &str) -> Result<u16, String> {
    Asker::new(address)?.ask(&format!("{}{path}", address.url)).await
}

/// A running probe. One that is dropped asks nothing more.
pub(crate) struct Probe {
    stop: CancellationToken,
    counted: Arc<Counted>,
    began: Instant,
    task: AbortOnDropHandle<Requests>,
}

struct Counted {
    tally: Mutex<Tally>,
    sent: AtomicU64,
}

impl Counted {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Probe {
    /// # Errors
    /// In words: why nothing can be asked.
    pub(crate) fn start(target: ProbeTarget) -> Result<Self, String> {
        // A socket a request: macOS starts programs with 256 open files.
        open_files::raise();
        let asker = Asker::new(&target.address)?;
        let counted = Arc::new(Counted { tally: Mutex::new(Tally::new()?), sent: AtomicU64::new(0) });
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(target, asker, Arc::clone(&counted), stop.clone()));
        Ok(Self { stop, counted, began: Instant::now(), task: AbortOnDropHandle::new(task) })
    }

    /// How many requests were answered badly since then, within [`WINDOW`]; and what the last one met. Those that were not
    /// answered at all may be the fault of a network between, or of a laptop that slept: they say nothing of a revision,
    /// in whose place a load balancer answers.
    pub(crate) fn failed_since(&self, since: Instant) -> (usize, Option<String>) {
        let tally = self.counted.tally();
        (tally.failed_since(since, Instant::now()), tally.last_bad_answer().map(str::to_owned))
    }

    /// Requests that were sent, and that are known to have failed.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        (self.counted.sent.load(Ordering::Relaxed), self.counted.tally().failed())
    }

    /// Leaves the probe as it stands: what was sent and not answered yet counts for nothing.
    pub(crate) fn leave(self) -> Requests {
        let tally = self.counted.tally();
        tally.summary(tally.counted(), self.began.elapsed())
    }

    /// Ends the probe once it has sent enough, and waits for the last answers.
    ///
    /// # Errors
    /// [`Interrupted`]: at a low rate enough takes long.
    pub(crate) async fn finish(self, cancel: &Cancel) -> Result<Requests, Interrupted> {
        self.stop.cancel();
        let broken = |error: JoinError| Requests { broken: Some(error.to_string()), ..Requests::default() };
        Ok(cancel.unless_cancelled(self.task).await?.unwrap_or_else(broken))
    }
}

async fn run(target: ProbeTarget, asker: Asker, counted: Arc<Counted>, stop: CancellationToken) -> Requests {
    let (url, target) = (Arc::<str>::from(target.url()), Arc::new(target));
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT as usize));
    let started = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / target.rate.max(1));
    let mut sent = 0;
    while !(stop.is_cancelled() && sent >= target.at_least) {
        let due = ticks.tick().await.into_std();
        // Whoever was stopped for a while, or sleeps, does not make up for it all at once.
        if due.elapsed() > TIMEOUT {
            ticks.reset();
            continue;
        }
        let Ok(permit) = Arc::clone(&in_flight).acquire_owned().await else { break };
        sent += 1;
        counted.sent.store(sent, Ordering::Relaxed);
        let (asker, counted, target, url) =
            (asker.clone(), Arc::clone(&counted), Arc::clone(&target), Arc::clone(&url));
        tokio::spawn(async move {
            let answer = target.judge(asker.ask(&url).await);
            let now = Instant::now();
            counted.tally().count(now.duration_since(due), answer, now);
            drop(permit);
        });
    }
    let elapsed = started.elapsed();
    // All permits back: every request was answered or given up.
    let _all = in_flight.acquire_many(IN_FLIGHT).await;
    counted.tally().summary(sent, elapsed)
}

#[cfg(test)]
mod tests;
