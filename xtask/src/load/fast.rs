//! The page that most users ask for, by the clock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;

use super::connect::Connector;
use super::record::{Asked, Shared, now};

/// An answer that takes longer counts as none.
const TIMEOUT: Duration = Duration::from_secs(10);
/// More unanswered requests than this at once mean an outage, which shows without more of them.
const IN_FLIGHT: usize = 1_024;

type Sender = SendRequest<Empty<Bytes>>;

struct Users {
    connector: Connector,
    /// The one that was used longest ago comes first: so none is idle for long.
    idle: Mutex<VecDeque<Sender>>,
    in_flight: AtomicUsize,
}

/// Asks until it is to end, then waits for the last answers.
pub(super) async fn ask(connector: Connector, rate: u32, shared: Arc<Shared>) {
    let users = Users { connector, idle: Mutex::default(), in_flight: AtomicUsize::new(0) };
    let users = Arc::new(users);
    let mut due = clock(rate, Arc::clone(&shared));
    while let Some((moment, at)) = due.recv().await {
        if users.in_flight.load(Ordering::Relaxed) >= IN_FLIGHT {
            shared.look(|record| record.skipped += 1);
            continue;
        }
        users.in_flight.fetch_add(1, Ordering::Relaxed);
        let (users, shared) = (Arc::clone(&users), Arc::clone(&shared));
        tokio::spawn(async move {
            let answered = tokio::time::timeout(TIMEOUT, users.ask()).await;
            let answered = answered.unwrap_or_else(|_| Err(format!("no answer within {TIMEOUT:?}")));
            let took_ms = moment.elapsed().as_secs_f64() * 1_000.0;
            let failed = answered.err().map(String::into_boxed_str);
            shared.look(|record| record.fast.push(Asked { due: at, took_ms, failed }));
            users.in_flight.fetch_sub(1, Ordering::Relaxed);
        });
    }
    while users.in_flight.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The moments at which requests are due. A thread of its own tells them: timers of a runtime are whole milliseconds,
/// which is what an answer takes.
fn clock(rate: u32, shared: Arc<Shared>) -> mpsc::UnboundedReceiver<(Instant, f64)> {
    let (tell, due) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let pause = Duration::from_secs(1) / rate.max(1);
        let (began, epoch) = (Instant::now(), now());
        for number in 0.. {
            let since = pause * number;
            std::thread::sleep((began + since).saturating_duration_since(Instant::now()));
            if shared.stops() || tell.send((began + since, epoch + since.as_secs_f64())).is_err() {
                break;
            }
        }
    });
    due
}

impl Users {
    fn idle(&self) -> MutexGuard<'_, VecDeque<Sender>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self) -> Result<(), String> {
        let mut request = self.request()?;
        loop {
            let kept = self.idle().pop_front();
            let was_kept = kept.is_some();
            let mut sender = match kept {
                Some(sender) if sender.is_closed() => continue,
                Some(sender) => sender,
                None => self.connect().await?,
            };
            match sender.try_send_request(request).await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    answer.into_body().collect().await.map_err(|error| format!("in the answer: {error}"))?;
                    if sender.ready().await.is_ok() {
                        self.idle().push_back(sender);
                    }
                    return if status == 200 { Ok(()) } else { Err(format!("status {status}")) };
                }
                Err(mut error) => match error.take_message() {
                    // Closed while nobody used it, and nothing of the request was sent.
                    Some(unsent) if was_kept => request = unsent,
                    _ => return Err(chain(error.error())),
                },
            }
        }
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, String> {
        let request = Request::get("/").header("host", &*self.connector.host).header("user-agent", "soak");
        request.body(Empty::new()).map_err(|error| error.to_string())
    }

    async fn connect(&self) -> Result<Sender, String> {
        let stream = self.connector.open().await.map_err(|error| format!("no connection: {error}"))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
