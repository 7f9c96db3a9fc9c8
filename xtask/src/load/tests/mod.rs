//! The load against a server of the test's own.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use super::record::Asked;
use super::*;

fn asked(due: f64, took_ms: f64, failed: Option<&str>) -> Asked {
    Asked { due, took_ms, failed: failed.map(Box::from) }
}

#[test]
fn figures_are_of_the_requests_that_were_due_in_a_stretch() {
    let fast = (0..100_u32).map(|n| asked(f64::from(n), f64::from(n), (n == 3).then_some("status 503")));
    let slow = vec![asked(0.0, 5_000.0, Some("HTTP/1.1 502 Bad Gateway")), asked(7.0, 5_000.0, None)];
    let record = Record { fast: fast.collect(), slow, skipped: 0 };

    let all = Figures::of(&record);
    assert_eq!((all.sent, all.failed, all.slow, all.slow_failed), (100, 1, 2, 1));
    assert_eq!((all.p50_ms, all.p99_ms), (49.0, 98.0));
    assert_eq!(all.failures.len(), 2);

    // The first slow one is still on its way when this begins; the second has not begun when it ends.
    let some = Figures::within(&record, (4.0, 6.0));
    assert_eq!((some.sent, some.failed, some.slow, some.slow_failed), (2, 0, 1, 1));
    assert_eq!(Figures::within(&record, (1_000.0, 2_000.0)), Figures::default());
}

/// Answers each connection's requests by `answer`, for as long as that wants it kept.
fn serve(answer: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || answer_all(stream, &*answer));
        }
    });
    address
}

fn answer_all(mut stream: TcpStream, answer: &dyn Fn(usize) -> Option<&'static str>) {
    let mut buffer = [0; 4096];
    for number in 0.. {
        // Requests without a body come in one piece.
        let length = stream.read(&mut buffer).unwrap_or_default();
        if length == 0 || buffer.starts_with(b"POST") {
            return;
        }
        let Some(answer) = answer(number) else { return };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn load_of(address: &str, enough: impl Fn(&Load) -> bool) -> Record {
    let (address, host) = (address.to_owned(), address.to_owned());
    let load = Load::start(Target { address, host, authority: None, rate: 200 }).unwrap();
    while !enough(&load) {
        std::thread::yield_now();
    }
    load.finish()
}

fn sent(load: &Load) -> usize {
    load.shared.look(|record| record.fast.len())
}

#[test]
fn a_request_that_a_closed_connection_never_took_is_no_failure_and_one_without_an_answer_is() {
    // Says that it closes after each: then nothing is ever sent in vain.
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let polite = serve(move |number| (number == 0).then_some(closing));
    let record = load_of(&polite, |load| sent(load) > 40);
    assert_eq!(Figures::of(&record).failed, 0, "{:?}", Figures::of(&record).failures);

    let mute = serve(|_| None);
    let record = load_of(&mute, |load| load.failed() > 10);
    assert_eq!(Figures::of(&record).failed, record.fast.len());
}

#[test]
fn answers_that_are_not_expected_are_failures_and_are_told() {
    let away = serve(|_| Some("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"));
    let record = load_of(&away, |load| load.failed() > 10);
    let figures = Figures::of(&record);
    assert_eq!(figures.failed, figures.sent);
    assert!(figures.failures[0].ends_with("× status 503"), "{:?}", figures.failures);
}
