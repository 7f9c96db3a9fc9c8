//! A port of this machine on which a listener answers.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rand::RngExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::rules::Rules;
use super::tls::Opened;
use super::{answer, forward};

/// New ports come from here: below what systems take for outgoing connections, so that a port is likely to be
/// free again at the next start.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

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
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
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
    let patience = now.map(|rules| rules.idle_timeout).unwrap_or_default();
    let opened = tokio::select! {
        () = stop.cancelled() => return,
        opened = tls.accept(stream, patience) => opened,
    };
    match opened {
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
    let service = service_fn(|request: Request<Incoming>| {
        let rules = rules.clone();
        async move {
            Ok::<_, Infallible>(match rules {
                Some(rules) => forward::answer(&rules, client.ip(), request).await,
                None => answer::plain_to_tls(),
            })
        }
    });
    let mut builder = http1::Builder::new();
    let connection = builder.keep_alive(keep_alive).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%client, %error, "a client's connection ended");
    }
}
