//! A port of this machine on which a listener answers.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rand::RngExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::moving::Moving;
use super::rules::Rules;
use super::tls::{Opened, is_http2};
use super::{answer, forward, limits};

/// New ports come from here: below what systems take for outgoing connections, so that a port is likely to be
/// free again at the next start.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// After so many requests of one HTTP/2 connection AWS has the client make another (GOAWAY; Application Load Balancers:
/// listeners).
const MOST_REQUESTS: usize = 10_000;
/// How much longer than a request a connection may be silent.
const GRACE: Duration = Duration::from_secs(1);

/// Who may connect, asked for each connection.
pub(crate) type Admission = Arc<dyn Fn(IpAddr) -> BoxFuture<'static, bool> + Send + Sync>;

/// An open port. It drops connections while it has no rules. Closed when dropped: what is in flight ends.
pub(crate) struct Gate {
    port: u16,
    rules: Arc<ArcSwapOption<Rules>>,
    stop: CancellationToken,
    accepting: Option<JoinHandle<()>>,
}

impl Gate {
    /// Opens the `preferred` port, or one that is free. Needs the runtime.
    pub(crate) fn open(preferred: Option<u16>, admission: Admission) -> std::io::Result<Self> {
        let listener = match preferred {
            Some(port) => bind(port)?,
            None => bind_any()?,
        };
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (rules, stop) = (Arc::default(), CancellationToken::new());
        let listener = TcpListener::from_std(listener)?;
        let accepting = Some(tokio::spawn(accept(listener, admission, Arc::clone(&rules), stop.clone())));
        Ok(Self { port, rules, stop, accepting })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Closes the port, and returns when it is free.
    pub(crate) async fn close(mut self) {
        self.stop.cancel();
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.await;
        }
    }

    /// Answers the next request by these rules.
    pub(crate) fn set_rules(&self, rules: Option<Arc<Rules>>) {
        self.rules.store(rules);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn bind(port: u16) -> std::io::Result<StdListener> {
    StdListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn bind_any() -> std::io::Result<StdListener> {
    let mut random = rand::rng();
    let free = (0..64).find_map(|_| bind(random.random_range(PORTS)).ok());
    free.map_or_else(|| bind(0), Ok)
}

async fn accept(
    listener: TcpListener,
    admission: Admission,
    rules: Arc<ArcSwapOption<Rules>>,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, client)) if rules.load().is_some() => {
                let (admitted, rules, stop) = (admission(client.ip()), Arc::clone(&rules), stop.clone());
                // A security group answers nothing at all; here the connection is closed, so that nobody waits in vain.
                tokio::spawn(async move {
                    if admitted.await {
                        serve(stream, client, rules, stop).await;
                    }
                });
            }
            Ok(_) => {}
            Err(error) => {
                // Out of file descriptors, most likely: the next attempt would fail as fast.
                tracing::warn!(%error, "the load balancer could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Speaks with one client: in TLS if that is what the rules are for when it comes.
async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    rules: Arc<ArcSwapOption<Rules>>,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let now = rules.load_full();
    let Some(tls) = now.as_ref().and_then(|rules| rules.tls.clone()) else {
        return converse(stream, client, Some(rules), stop).await;
    };
    // AWS names no time for a handshake: the one for silence counts.
    let terms = now.map(|rules| (rules.idle_timeout, rules.http2)).unwrap_or_default();
    let opened = tokio::select! {
        () = stop.cancelled() => return,
        opened = tls.accept(stream, terms) => opened,
    };
    match opened {
        Some(Opened::Secure(stream)) if is_http2(&stream) => multiplex(*stream, client, rules, stop).await,
        Some(Opened::Secure(stream)) => converse(*stream, client, Some(rules), stop).await,
        Some(Opened::Plain(stream)) => converse(stream, client, None, stop).await,
        None => {}
    }
}

/// Answers a client's requests, one after the other. Without rules it spoke plain HTTP where TLS is spoken.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: SocketAddr,
    rules: Option<Arc<ArcSwapOption<Rules>>>,
    stop: CancellationToken,
) {
    let keep_alive = rules.is_some();
    let bounds = Bounds::of(rules.as_deref());
    let service = service_fn(|request: Request<Incoming>| {
        let rules = rules.clone();
        async move {
            Ok::<_, Infallible>(match rules {
                Some(rules) => forward::answer(&rules, client.ip(), request).await,
                None => answer::plain_to_tls(),
            })
        }
    });
    let activity = Activity::default();
    let mut builder = http1::Builder::new();
    builder.keep_alive(keep_alive).max_buf_size(limits::BUFFER).max_headers(limits::MOST_HEADERS);
    let stream = TokioIo::new(Moving::new(stream, activity.clone()));
    let mut connection = pin!(builder.serve_connection(stream, service).with_upgrades());
    let last = bounds.is_to_end(&stop, None);
    bounds
        .end(
            (client, &activity),
            connection.as_mut(),
            (last, http1::UpgradeableConnection::graceful_shutdown),
        )
        .await;
}

/// Answers a client's requests in HTTP/2, side by side.
async fn multiplex(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: SocketAddr,
    rules: Arc<ArcSwapOption<Rules>>,
    stop: CancellationToken,
) {
    let bounds = Bounds::of(Some(&rules));
    let full = CancellationToken::new();
    let service = service_fn({
        let (full, count) = (full.clone(), Arc::new(AtomicUsize::new(0)));
        move |request: Request<Incoming>| {
            if count.fetch_add(1, Ordering::Relaxed) + 1 == MOST_REQUESTS {
                full.cancel();
            }
            let rules = Arc::clone(&rules);
            async move { Ok::<_, Infallible>(forward::answer(&rules, client.ip(), request).await) }
        }
    });
    let activity = Activity::default();
    let stream = TokioIo::new(Moving::new(stream, activity.clone()));
    let mut connection = pin!(http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service));
    let last = bounds.is_to_end(&stop, Some(&full));
    bounds.end((client, &activity), connection.as_mut(), (last, http2::Connection::graceful_shutdown)).await;
}

/// How long a client's connection may last.
struct Bounds {
    idle: Duration,
    whole: Duration,
}

impl Bounds {
    fn of(rules: Option<&ArcSwapOption<Rules>>) -> Self {
        let rules = rules.and_then(ArcSwapOption::load_full);
        // AWS's defaults, for a client that is told to speak TLS.
        let (idle, whole) = rules.map_or((Duration::from_secs(60), Duration::from_secs(3600)), |rules| {
            (rules.idle_timeout, rules.client_keep_alive)
        });
        Self { idle, whole }
    }

    /// Serves a connection to its end; what comes after `last` is shut down once it is answered.
    async fn end<C: Future<Output = Result<(), hyper::Error>>>(
        &self,
        (client, activity): (SocketAddr, &Activity),
        mut connection: Pin<&mut C>,
        (last, shut_down): (impl Future<Output = ()>, impl FnOnce(Pin<&mut C>)),
    ) {
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.is_over(activity) => return,
            () = last => {
                shut_down(connection.as_mut());
                tokio::select! {
                    ended = connection => ended,
                    () = self.is_over(activity) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%client, %error, "a client's connection ended");
        }
    }

    /// Comes when nothing has moved for too long. A request that waits for its target for as long is answered first.
    async fn is_over(&self, activity: &Activity) {
        activity.idle_for(self.idle + GRACE).await;
    }

    /// Comes when what is under way is the last.
    async fn is_to_end(&self, stop: &CancellationToken, full: Option<&CancellationToken>) {
        let full = async {
            match full {
                Some(full) => full.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = full => {}
            () = tokio::time::sleep(self.whole) => {}
        }
    }
}
