//! A form that is sent over a slow line: five seconds pass between its first byte and its last, all of which a task holds
//! it. It has a connection of its own, as such a user has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::connect::Connector;
use super::record::{Asked, Shared, now};

/// Between two of them: ten are on their way at any moment.
const EVERY: Duration = Duration::from_millis(500);
/// In so many pieces, with such pauses.
const PIECES: usize = 10;
const PAUSE: Duration = Duration::from_millis(500);
/// An answer that takes longer counts as none.
const TIMEOUT: Duration = Duration::from_secs(30);
/// An entry of the release log, as the sample's form sends it.
const FORM: &str = "kind=note&title=A+slow+line&author=soak&body=Sent+in+ten+pieces+within+five+seconds%2C+as+a+\
                    telephone+in+a+train+does%3A+the+task+that+has+the+first+piece+gets+the+last+one%2C+too.";
/// What the sample answers when the entry is there.
const ANSWER: &str = "HTTP/1.1 303 ";

/// Sends one form after another until it is to end, then waits for the last answers.
pub(super) async fn ask(connector: Connector, shared: Arc<Shared>) {
    let in_flight = Arc::new(AtomicUsize::new(0));
    while !shared.stops() {
        in_flight.fetch_add(1, Ordering::Relaxed);
        let (connector, shared, in_flight) = (connector.clone(), Arc::clone(&shared), Arc::clone(&in_flight));
        tokio::spawn(async move {
            let (moment, due) = (Instant::now(), now());
            let answered = tokio::time::timeout(TIMEOUT, send(&connector)).await;
            let answered = answered.unwrap_or_else(|_| Err(format!("no answer within {TIMEOUT:?}")));
            let took_ms = moment.elapsed().as_secs_f64() * 1_000.0;
            let failed = answered.err().map(String::into_boxed_str);
            shared.look(|record| record.slow.push(Asked { due, took_ms, failed }));
            in_flight.fetch_sub(1, Ordering::Relaxed);
        });
        tokio::time::sleep(EVERY).await;
    }
    while in_flight.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn send(connector: &Connector) -> Result<(), String> {
    let mut stream = connector.open().await.map_err(|error| format!("no connection: {error}"))?;
    let (host, length) = (&connector.host, FORM.len());
    let head = format!(
        "POST /entries HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut sent = stream.write_all(head.as_bytes()).await;
    for piece in FORM.as_bytes().chunks(length.div_ceil(PIECES)) {
        if sent.is_err() {
            // What was answered instead says more.
            break;
        }
        tokio::time::sleep(PAUSE).await;
        sent = stream.write_all(piece).await;
    }
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    if answer.starts_with(ANSWER) {
        return Ok(());
    }
    match (answer.lines().next(), sent.and(read.map(drop))) {
        (Some(first), _) => Err(first.to_owned()),
        (None, Err(error)) => Err(format!("no answer: {error}")),
        (None, Ok(())) => Err("no answer: the connection was closed".to_owned()),
    }
}
