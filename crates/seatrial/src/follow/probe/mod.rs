//! The probe: requests to the production listener at a steady rate, and what became of them.
//!
//! Requests start by the clock, not when the one before has ended, so that a stall shows as latency and not as
//! fewer requests. A request has failed if no answer came or its status is 400 or above.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use seatrial_local::open_files;
use serde::Serialize;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::exit::Interrupted;
use crate::session::Cancel;

/// An answer that takes longer counts as none.
const TIMEOUT: Duration = Duration::from_secs(10);
/// More unanswered requests than this at once mean an outage, which shows without more of them.
const IN_FLIGHT: u32 = 512;

type HttpClient = Client<HttpConnector, Empty<Bytes>>;

/// What to ask, and how often.
#[derive(Debug, Clone)]
pub(crate) struct ProbeTarget {
    /// `http://host:port/path`.
    pub url: String,
    /// Requests a second.
    pub rate: u32,
    /// The probe goes on until this many were sent.
    pub at_least: u64,
}

/// Requests sent, and how they were answered. Milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Requests {
    pub sent: u64,
    pub failed: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Requests a second that were really sent.
    pub rate: f64,
    /// What the first failed requests met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
    /// Why the probe itself ended before it was told to: then nothing is known of the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

#[derive(Default)]
struct Tally {
    latencies_ms: Vec<f64>,
    answered: u64,
    failures: Vec<String>,
}

/// A running probe. One that is dropped asks nothing more.
pub(crate) struct Probe {
    stop: CancellationToken,
    task: AbortOnDropHandle<Requests>,
}

impl Probe {
    pub(crate) fn start(target: ProbeTarget) -> Self {
        // A socket a request: macOS starts programs with 256 open files.
        open_files::raise();
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(target, stop.clone()));
        Self { stop, task: AbortOnDropHandle::new(task) }
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

async fn run(target: ProbeTarget, stop: CancellationToken) -> Requests {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: HttpClient = Client::builder(TokioExecutor::new()).build(connector);
    let tally = Arc::new(Mutex::new(Tally::default()));
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT as usize));
    let started = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / target.rate.max(1));
    let mut sent = 0;
    while !(stop.is_cancelled() && sent >= target.at_least) {
        ticks.tick().await;
        let Ok(permit) = Arc::clone(&in_flight).acquire_owned().await else { break };
        sent += 1;
        let (client, tally, url) = (client.clone(), Arc::clone(&tally), target.url.clone());
        tokio::spawn(async move {
            let began = Instant::now();
            let answer = tokio::time::timeout(TIMEOUT, ask(&client, &url)).await;
            let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {TIMEOUT:?}")));
            tally.lock().await.count(began.elapsed(), answer);
            drop(permit);
        });
    }
    let elapsed = started.elapsed();
    // All permits back: every request was answered or given up.
    let _all = in_flight.acquire_many(IN_FLIGHT).await;
    let tally = std::mem::take(&mut *tally.lock().await);
    tally.summary(sent, elapsed)
}

async fn ask(client: &HttpClient, url: &str) -> Result<(), String> {
    let request = Request::get(url).header("user-agent", "seatrial-probe").body(Empty::new());
    let request = request.map_err(|error| error.to_string())?;
    let answer = client.request(request).await.map_err(|error| chain(&error))?;
    let status = answer.status();
    answer.into_body().collect().await.map_err(|error| chain(&error))?;
    if status.is_client_error() || status.is_server_error() {
        Err(format!("status {status}"))
    } else {
        Ok(())
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

impl Tally {
    fn count(&mut self, latency: Duration, answer: Result<(), String>) {
        self.latencies_ms.push(latency.as_secs_f64() * 1_000.0);
        match answer {
            Ok(()) => self.answered += 1,
            Err(failure) if self.failures.len() < 5 => self.failures.push(failure),
            Err(_) => {}
        }
    }

    fn summary(mut self, sent: u64, elapsed: Duration) -> Requests {
        self.latencies_ms.sort_by(f64::total_cmp);
        let sent_in_u32 = f64::from(u32::try_from(sent).unwrap_or(u32::MAX));
        Requests {
            sent,
            // Not what was counted as failed: of a request that broke off nothing was counted.
            failed: sent - self.answered,
            p50_ms: percentile(&self.latencies_ms, 50),
            p99_ms: percentile(&self.latencies_ms, 99),
            max_ms: percentile(&self.latencies_ms, 100),
            rate: rounded(sent_in_u32 / elapsed.as_secs_f64().max(0.001)),
            failures: self.failures,
            broken: None,
        }
    }
}

/// The nearest-rank percentile of sorted values; 0 of none.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    rounded(sorted.get(rank - 1).copied().unwrap_or(0.0))
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();

        assert_eq!(percentile(&values, 50), 100.0);
        assert_eq!(percentile(&values, 99), 198.0);
        assert_eq!(percentile(&values, 100), 200.0);
        assert_eq!(percentile(&[], 99), 0.0);
    }

    #[tokio::test]
    async fn requests_that_nobody_answers_count_as_failed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);

        let requests = Probe::start(ProbeTarget { url, rate: 500, at_least: 5 });
        let requests = requests.finish(&Cancel::default()).await.unwrap();

        assert!(requests.sent >= 5);
        assert_eq!(requests.failed, requests.sent);
        assert!(!requests.failures.is_empty());
    }

    #[tokio::test]
    async fn a_probe_that_breaks_off_says_so() {
        let task = AbortOnDropHandle::new(tokio::spawn(async { panic!("a fault of the probe's own") }));

        let requests =
            Probe { stop: CancellationToken::new(), task }.finish(&Cancel::default()).await.unwrap();

        assert!(requests.broken.is_some_and(|why| why.contains("a fault of the probe's own")));
    }

    #[tokio::test]
    async fn whoever_interrupts_does_not_wait_until_enough_was_sent() {
        let cancel = Cancel::default();
        let endless = ProbeTarget { url: String::new(), rate: 1, at_least: u64::MAX };
        let probe = Probe::start(endless);

        cancel.cancel();

        assert!(probe.finish(&cancel).await.is_err());
    }

    #[test]
    fn a_request_of_which_nothing_came_back_has_failed() {
        let mut tally = Tally::default();
        tally.count(Duration::ZERO, Ok(()));

        let requests = tally.summary(3, Duration::from_secs(1));

        assert_eq!((requests.sent, requests.failed), (3, 2));
    }

    /// In a process of its own, for a limit is the whole process's.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_probe_has_all_the_open_files_there_are_and_a_program_as_many_as_before() {
        const NAME: &str =
            "follow::probe::tests::a_probe_has_all_the_open_files_there_are_and_a_program_as_many_as_before";
        const FEW: &str = "SEATRIAL_TEST_FEW_FILES";
        if std::env::var_os(FEW).is_none() {
            let mut command = std::process::Command::new("/bin/sh");
            command.args(["-c", "ulimit -Sn 256 && exec \"$0\" --exact \"$1\""]).env(FEW, "1");
            let output = command.arg(std::env::current_exe().unwrap()).arg(NAME).output().unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && told.contains("1 passed"), "{told}");
            return;
        }
        let url = "http://127.0.0.1:1/".to_owned();
        let probe = Probe::start(ProbeTarget { url, rate: 500, at_least: 1 });
        let session = crate::session::Session::new(crate::output::Printer::new(Default::default()), "test");
        let mut program = tokio::process::Command::new("/bin/sh");
        program.args(["-c", "ulimit -Sn"]);

        let told = crate::process::output(&session, program).await.unwrap();

        let (soft, hard) =
            nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((soft, String::from_utf8_lossy(&told.stdout).trim()), (hard, "256"));
        probe.finish(&Cancel::default()).await.unwrap();
    }
}
