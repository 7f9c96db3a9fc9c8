//! The page of this local cloud, and what tells it: `GET /` for a browser, `/_local/page/…` for what it shows.
//!
//! Nobody looks: seconds of traffic are counted, and nothing else. Somebody does: once a second all is read anew, and what
//! differs is told ([`state`]). Who may look stands in [`door`].

mod door;
mod routes;
mod state;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seatrial_page::{Item, Line, Mask, Second};
use serde_json::Value;
use tokio::sync::watch;

use crate::cloud::{Cloud, Part, Setup};
use crate::credentials::CredentialStore;

pub(crate) use door::{Keys, may_ask, own_origin, token_of};
pub(crate) use routes::{front, router};
use state::State;

/// So many seconds of traffic are kept.
const SECONDS: usize = 3_600;
const EVERY: Duration = Duration::from_secs(1);

/// New lines of logs, and the number from which to ask again.
pub(crate) struct Lines {
    pub lines: Vec<Line>,
    pub next: u64,
}

/// Whence what is shown comes: the services, which this knows nothing of.
pub(crate) struct Sources {
    /// All but seconds, lines and the verdict.
    pub items: fn(&Cloud) -> Vec<Item>,
    /// The second that ends now.
    pub second: fn(&Cloud) -> Option<Second>,
    /// Lines from a number on.
    pub lines: fn(&Cloud, u64) -> Lines,
    /// What is never to be shown.
    pub secrets: fn(&Cloud) -> Vec<String>,
}

/// What is kept for the page, in memory alone.
pub(crate) struct Console {
    inner: Mutex<Inner>,
    /// The number of the newest change.
    told: watch::Sender<u64>,
    keys: Keys,
}

struct Inner {
    state: State,
    seconds: VecDeque<Second>,
    next_line: u64,
    /// What a tool that follows releases tells of them.
    verdict: Option<Value>,
}

impl Part for Console {
    fn open(_setup: &Setup) -> Self {
        let inner = Inner { state: State::new(), seconds: VecDeque::new(), next_line: 0, verdict: None };
        Self { inner: Mutex::new(inner), told: watch::Sender::new(0), keys: Keys::default() }
    }
}

impl Console {
    /// Counts what went by since it was asked last. Seconds in which nothing happened are left out.
    fn count(&self, second: Second) {
        let mut inner = self.lock();
        let quiet = |second: &Second| second.blue + second.green + second.failed == 0;
        let same =
            |one: &Second| one.blue_weight == second.blue_weight && one.green_weight == second.green_weight;
        if inner.seconds.back().is_some_and(|last| quiet(last) && same(last)) && quiet(&second) {
            return;
        }
        if inner.seconds.len() == SECONDS {
            inner.seconds.pop_front();
        }
        inner.seconds.push_back(second);
    }

    fn tell(&self, verdict: Value) {
        self.lock().verdict = Some(verdict);
    }

    /// Reads all anew, and tells what differs.
    fn refresh(&self, cloud: &Cloud, sources: &Sources) {
        let own = cloud.part::<CredentialStore>().secrets();
        let mask = Mask::of(own.into_iter().chain((sources.secrets)(cloud)));
        let items = (sources.items)(cloud);
        let mut inner = self.lock();
        let Lines { lines, next } = (sources.lines)(cloud, inner.next_line);
        inner.next_line = next;
        let seconds: Vec<Item> = inner.seconds.iter().copied().map(Item::Second).collect();
        let verdict = inner.verdict.clone().map(Item::Verdict);
        let lines = lines.into_iter().map(Item::Line);
        let all = items.into_iter().chain(verdict).chain(seconds).chain(lines);
        let told = all.map(|item| {
            let mut told = item.told();
            mask.value(&mut told[2]);
            told
        });
        let number = inner.state.take(told);
        drop(inner);
        self.told.send_if_modified(|told| std::mem::replace(told, number) != number);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts traffic by the second, and refreshes what somebody looks at, until the local cloud stops.
pub(crate) async fn watch(cloud: Cloud, sources: &'static Sources) {
    let console = cloud.part::<Console>();
    let stopping = cloud.stopping();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Some(second) = (sources.second)(&cloud) {
            console.count(second);
        }
        if console.told.receiver_count() > 0 {
            refreshed(&cloud, &console, sources).await;
        }
    }
}

/// Reading all tables takes a while, and is no work for those who answer requests.
async fn refreshed(cloud: &Cloud, console: &Arc<Console>, sources: &'static Sources) {
    let (cloud, console) = (cloud.clone(), Arc::clone(console));
    let done = tokio::task::spawn_blocking(move || console.refresh(&cloud, sources)).await;
    if let Err(error) = done {
        tracing::error!(%error, "the page could not be refreshed");
    }
}

#[cfg(test)]
mod tests;
