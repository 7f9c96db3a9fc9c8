//! A connection to a target, and the one way to make it.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::Body;
use super::limits;
use crate::runtime::interfaces::Interfaces;

/// How long AWS waits for a target to accept a connection. Real time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("no connection within {} s", CONNECT_TIMEOUT.as_secs())]
    Timeout,
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// Why there is no response.
pub(super) struct SendError {
    pub error: hyper::Error,
    /// The request, if not a byte of it was sent.
    pub unsent: Option<Request<Body>>,
}

/// An open connection to a target, for one request at a time.
pub(super) struct Connection {
    sender: SendRequest<Body>,
}

impl Connection {
    /// Connects by `interfaces`. Packets to a target that is not `reachable` are lost, as a security group loses them.
    pub(super) async fn open(
        interfaces: &Interfaces,
        address: SocketAddr,
        reachable: bool,
    ) -> Result<Self, ConnectError> {
        let connect = async {
            if !reachable {
                std::future::pending::<()>().await;
            }
            interfaces.connect(address).await
        };
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connect);
        let stream = stream.await.map_err(|_| ConnectError::Timeout)??;
        stream.set_nodelay(true)?;
        let (sender, connection) = {
            let mut builder = http1::Builder::new();
            builder.max_buf_size(limits::BUFFER).max_headers(limits::MOST_HEADERS);
            builder.handshake(TokioIo::new(stream)).await?
        };
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%address, %error, "a connection to a target ended");
            }
        });
        Ok(Self { sender })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) async fn send(&mut self, request: Request<Body>) -> Result<Response<Incoming>, SendError> {
        if let Err(error) = self.sender.ready().await {
            return Err(SendError { error, unsent: Some(request) });
        }
        self.sender.try_send_request(request).await.map_err(|mut refused| {
            let unsent = refused.take_message();
            SendError { error: refused.into_error(), unsent }
        })
    }
}
