//! One health check: one request on a connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio_util::task::AbortOnDropHandle;

use crate::runtime::interfaces::Interfaces;

/// Why a health check got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeFailure {
    Timeout,
    /// The connection was refused or broke.
    Failed,
}

/// Requests `path` of `address`, reached by `interfaces`, and answers the status code. `timeout` is real time.
pub(crate) async fn probe(
    interfaces: &Interfaces,
    address: SocketAddr,
    path: &str,
    timeout: Duration,
) -> Result<StatusCode, ProbeFailure> {
    match tokio::time::timeout(timeout, request(interfaces, address, path)).await {
        Ok(Some(status)) => Ok(status),
        Ok(None) => Err(ProbeFailure::Failed),
        Err(_) => Err(ProbeFailure::Timeout),
    }
}

async fn request(interfaces: &Interfaces, address: SocketAddr, path: &str) -> Option<StatusCode> {
    let stream = interfaces.connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::USER_AGENT, "ELB-HealthChecker/2.0")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    sender.send_request(request).await.ok().map(|response| response.status())
}
