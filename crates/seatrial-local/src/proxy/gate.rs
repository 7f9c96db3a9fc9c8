//! A port of this machine on which a listener answers.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rand::RngExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::forward;
use super::rules::Rules;

/// New ports come from here: below what systems take for outgoing connections, so that a port is likely to be
/// free again at the next start.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// An open port. It drops connections while it has no rules. Closed when dropped: what is in flight ends.
pub(crate) struct Gate {
    port: u16,
    rules: Arc<ArcSwapOption<Rules>>,
    stop: CancellationToken,
    accepting: Option<JoinHandle<()>>,
}

impl Gate {
    /// Opens the `preferred` port, or one that is free. Needs the runtime.
    pub(crate) fn open(preferred: Option<u16>) -> std::io::Result<Self> {
        let listener = match preferred {
            Some(port) => bind(port)?,
            None => bind_any()?,
        };
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (rules, stop) = (Arc::default(), CancellationToken::new());
        let listener = TcpListener::from_std(listener)?;
        let accepting = Some(tokio::spawn(accept(listener, Arc::clone(&rules), stop.clone())));
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

async fn accept(listener: TcpListener, rules: Arc<ArcSwapOption<Rules>>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, client)) if rules.load().is_some() => {
                tokio::spawn(serve(stream, client, Arc::clone(&rules), stop.clone()));
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

async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    rules: Arc<ArcSwapOption<Rules>>,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let rules = Arc::clone(&rules);
        async move { Ok::<_, Infallible>(forward::answer(&rules, client.ip(), request).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = pin!(connection);
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
