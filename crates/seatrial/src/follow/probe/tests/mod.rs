//! What a probe counts.

use super::*;

fn target(url: &str, rate: u32, at_least: u64) -> ProbeTarget {
    let load_balancer = url.rsplit('/').next().unwrap_or_default().to_owned();
    let address = Address { url: url.to_owned(), load_balancer, trusted: Vec::new() };
    ProbeTarget { address, path: "/".to_owned(), expected: vec![200..=200], rate, at_least }
}

#[test]
fn percentiles_are_true_to_three_digits_and_the_window_forgets() {
    let (mut tally, began) = (Tally::new().unwrap(), Instant::now());
    for milliseconds in 1..=200 {
        tally.count(Duration::from_millis(milliseconds), Ok(()), began);
    }
    let requests = tally.summary(200, Duration::from_secs(10));
    for (found, expected) in [(requests.p50_ms, 100.0), (requests.p99_ms, 198.0), (requests.max_ms, 200.0)] {
        assert!((found - expected).abs() <= expected / 500.0, "{requests:?}");
    }
    assert_eq!((requests.rate, Tally::new().unwrap().summary(0, Duration::ZERO).p99_ms), (20.0, 0.0));

    let bad = || Err(Failure { what: "status 500".to_owned(), is_answer: true });
    let silent = Err(Failure { what: "connection refused".to_owned(), is_answer: false });
    tally.count(Duration::ZERO, silent, began + Duration::from_secs(1));
    tally.count(Duration::ZERO, bad(), began + Duration::from_secs(1));
    tally.count(Duration::ZERO, bad(), began + Duration::from_secs(5));
    let failed = |since: u64, now: u64| {
        tally.failed_since(began + Duration::from_secs(since), began + Duration::from_secs(now))
    };
    assert_eq!([failed(0, 6), failed(2, 6), failed(0, 12), failed(0, 16)], [2, 1, 1, 0]);
}

/// Answers that come late because requests wait for each other are late by the clock.
#[tokio::test]
async fn a_request_that_waits_behind_others_has_waited() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let open = Arc::new(tokio::sync::Notify::new());
    let server = tokio::spawn(serve_once_open(listener, Arc::clone(&open)));
    // So many are due in the first second that most of them wait for the slots of those before them.
    let probe = Probe::start(target(&url, 1_000, u64::from(IN_FLIGHT) * 2)).unwrap();
    while probe.so_far().0 < u64::from(IN_FLIGHT) {
        tokio::task::yield_now().await;
    }
    let stalled = Instant::now();
    while stalled.elapsed() < Duration::from_millis(700) {
        tokio::task::yield_now().await;
    }
    open.notify_one();

    let requests = probe.finish(&Cancel::default()).await.unwrap();

    server.abort();
    assert_eq!(requests.failed, 0, "{requests:?}");
    // Half of them were due during the stall.
    assert!(requests.p50_ms > 150.0, "{requests:?}");
}

/// Takes connections at once, and answers none before it is told to.
async fn serve_once_open(listener: tokio::net::TcpListener, open: Arc<tokio::sync::Notify>) {
    let mut waiting = Vec::new();
    let mut is_open = false;
    loop {
        tokio::select! {
            () = open.notified() => {
                is_open = true;
                for stream in waiting.drain(..) {
                    tokio::spawn(answer(stream));
                }
            }
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                if is_open { tokio::spawn(answer(stream)); } else { waiting.push(stream); }
            }
        }
    }
}

async fn answer(mut stream: tokio::net::TcpStream) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn only_an_expected_status_is_a_good_answer() {
    let redirect = |status: u16| target("http://h", 1, 0).judge(Ok(status));
    assert_eq!(redirect(200), Ok(()));
    assert_eq!(redirect(302), Err(Failure { what: "status 302".to_owned(), is_answer: true }));
}

#[tokio::test]
async fn requests_that_nobody_answers_count_as_failed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let requests = Probe::start(target(&url, 500, 5)).unwrap();
    let requests = requests.finish(&Cancel::default()).await.unwrap();

    assert!(requests.sent >= 5);
    assert_eq!(requests.failed, requests.sent);
    assert!(!requests.failures.is_empty());
}

#[tokio::test]
async fn a_probe_that_breaks_off_says_so() {
    let task = AbortOnDropHandle::new(tokio::spawn(async { panic!("a fault of the probe's own") }));

    let counted = Arc::new(Counted { tally: Mutex::new(Tally::new().unwrap()), sent: AtomicU64::new(0) });
    let probe = Probe { stop: CancellationToken::new(), counted, began: Instant::now(), task };
    let requests = probe.finish(&Cancel::default()).await.unwrap();

    assert!(requests.broken.is_some_and(|why| why.contains("a fault of the probe's own")));
}

#[tokio::test]
async fn whoever_interrupts_does_not_wait_until_enough_was_sent() {
    let cancel = Cancel::default();
    let probe = Probe::start(target("http://127.0.0.1:1", 1, u64::MAX)).unwrap();

    cancel.cancel();

    assert!(probe.finish(&cancel).await.is_err());
}

#[test]
fn a_request_of_which_nothing_came_back_has_failed() {
    let mut tally = Tally::new().unwrap();
    tally.count(Duration::ZERO, Ok(()), Instant::now());

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
    let probe = Probe::start(target("http://127.0.0.1:1", 500, 1)).unwrap();
    let session = crate::session::Session::new(crate::output::Printer::new(Default::default()), "test");
    let mut program = tokio::process::Command::new("/bin/sh");
    program.args(["-c", "ulimit -Sn"]);

    let told = crate::process::output(&session, program).await.unwrap();

    let (soft, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap();
    assert_eq!((soft, String::from_utf8_lossy(&told.stdout).trim()), (hard, "256"));
    probe.finish(&Cancel::default()).await.unwrap();
}
