//! Engines: what goes on after a call was answered.
//!
//! An engine moves one record (a stack, a deployment, a task) from step to step. The record alone tells the
//! next step, so after a restart [`Engine::in_flight`] names what was under way and it goes on.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::cloud::Cloud;

/// When to look at a record again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// After this real time, or when woken.
    After(Duration),
    /// When woken.
    Wait,
    /// Never: the record has reached its end.
    Done,
}

/// A state machine over the records of one kind.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Unique among engines: `codedeploy-deployment`.
    const NAME: &'static str;

    /// Whether a record that is driven is something under way, which has an end, rather than something that is kept as
    /// it should be: the former is not to be interrupted.
    const ENDS: bool;

    /// Keys of the records that were under way when the process ended.
    fn in_flight(cloud: &Cloud) -> Vec<String>;

    /// Does the next step of the record `key` and persists it. Steps of one record never overlap.
    fn step(cloud: &Cloud, key: &str) -> impl Future<Output = Next> + Send;

    /// A step of the record panicked, saying `why`: what is under way fails. What is kept as it should be is looked at
    /// again after a while.
    fn fail(_cloud: &Cloud, _key: &str, _why: &str) -> Next {
        Next::After(AFTER_PANIC)
    }
}

/// How long a record is left alone whose step panicked.
const AFTER_PANIC: Duration = Duration::from_secs(5);

/// The records that are being driven.
#[derive(Default)]
pub(crate) struct Drivers {
    running: Mutex<HashMap<(&'static str, String), Arc<Notify>>>,
    /// Of those, the ones that end by themselves.
    ending: Mutex<BTreeSet<(&'static str, String)>>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Drivers {
    /// Drives the record, or wakes it if it is being driven already.
    pub(crate) fn start<E: Engine>(&self, cloud: &Cloud, key: &str) {
        let id = (E::NAME, key.to_owned());
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = running.get(&id) {
            notify.notify_one();
            return;
        }
        let notify = Arc::new(Notify::new());
        if E::ENDS {
            self.ending.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        }
        running.insert(id, Arc::clone(&notify));
        drop(running);
        self.tracker.spawn(drive::<E>(cloud.clone(), key.to_owned(), notify));
    }

    /// Wakes the record if the engine called `name` is driving it.
    pub(crate) fn wake(&self, name: &'static str, key: &str) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = running.get(&(name, key.to_owned())) {
            notify.notify_one();
        }
    }

    /// A token that is cancelled when the local cloud stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Ends all drivers between two steps; what they drive goes on at the next start.
    pub(crate) async fn shutdown(&self, patience: Duration) {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(patience, self.tracker.wait()).await.is_err() {
            tracing::warn!("some engines were still in a step when the local cloud stopped");
        }
    }

    /// Forgets a finished record; false if it was woken since its last step and must be looked at again.
    fn finish(&self, id: &(&'static str, String), notify: &Notify) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if notify.notified().now_or_never().is_some() {
            return false;
        }
        running.remove(id);
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        true
    }

    /// What is under way and must not be interrupted, one text each: engine and record.
    pub(crate) fn under_way(&self) -> Vec<String> {
        let ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        ending.iter().map(|(engine, key)| format!("{engine} {key}")).collect()
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

async fn drive<E: Engine>(cloud: Cloud, key: String, notify: Arc<Notify>) {
    let id = (E::NAME, key.clone());
    let stop = cloud.stopping();
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => return,
            next = AssertUnwindSafe(E::step(&cloud, &key)).catch_unwind() => next,
        };
        // Nothing of a step outlives it but records, each of which was written whole.
        let next = next.unwrap_or_else(|panic| {
            let why = said(panic.as_ref());
            tracing::error!(engine = E::NAME, key, why, "a step panicked");
            E::fail(&cloud, &key, &why)
        });
        match next {
            Next::Done if cloud.drivers().finish(&id, &notify) => return,
            Next::Done => {}
            Next::After(pause) => tokio::select! {
                () = stop.cancelled() => return,
                () = notify.notified() => {}
                () = tokio::time::sleep(pause) => {}
            },
            Next::Wait => tokio::select! {
                () = stop.cancelled() => return,
                () = notify.notified() => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::tests::cloud_in;

    static STEPS: AtomicUsize = AtomicUsize::new(0);
    static FAILED: Mutex<Option<String>> = Mutex::new(None);

    struct Panics;

    impl Engine for Panics {
        const NAME: &'static str = "panics";
        const ENDS: bool = true;

        fn in_flight(_cloud: &Cloud) -> Vec<String> {
            Vec::new()
        }

        async fn step(_cloud: &Cloud, key: &str) -> Next {
            STEPS.fetch_add(1, Ordering::SeqCst);
            panic!("no step of {key}")
        }

        fn fail(_cloud: &Cloud, _key: &str, why: &str) -> Next {
            *FAILED.lock().unwrap() = Some(why.to_owned());
            Next::Done
        }
    }

    #[tokio::test]
    async fn a_step_that_panics_fails_its_record_and_no_more_than_that() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        for round in 1..=2 {
            cloud.start::<Panics>("a record");
            while STEPS.load(Ordering::SeqCst) < round || !cloud.drivers().under_way().is_empty() {
                tokio::task::yield_now().await;
            }
            assert_eq!(FAILED.lock().unwrap().take().as_deref(), Some("no step of a record"));
        }
    }
}
