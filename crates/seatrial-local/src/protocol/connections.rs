//! The connections that requests come by: none of them is waited for without end.
//!
//! AWS gives few of these times. S3's words for a body that stops are known (API reference, error `RequestTimeout`), and
//! that it waits some twenty seconds is reported; the rest is as long.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::Request;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep};

/// How long a client may take for a request's head, and may leave a connection unused.
const HEAD: Duration = Duration::from_secs(60);
/// How long a client may leave off in the middle of a body.
const BODY: Duration = Duration::from_secs(20);

/// Answers by `router` until the task is aborted.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: the next attempt would fail as fast.
                tracing::warn!(%error, "the server could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Without it the last segment of an answer may wait for the client's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let service = TowerToHyperService::new(router.clone());
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
}

/// The same request, whose body may not stop for ever.
pub(super) fn timed<B>(request: Request<B>) -> Request<Body>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<axum::BoxError>,
{
    request.map(|body| Body::new(Timed { body, sleep: Box::pin(tokio::time::sleep(BODY)), waits: false }))
}

/// A body stopped.
#[derive(Debug, thiserror::Error)]
#[error("nothing of the body came for {} s", BODY.as_secs())]
pub(super) struct Stopped;

/// Whether an error says so.
pub(super) fn stopped(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|error| error.is::<Stopped>())
}

struct Timed<B> {
    body: B,
    sleep: Pin<Box<Sleep>>,
    /// For the client; else whoever reads takes their time.
    waits: bool,
}

impl<B> HttpBody for Timed<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waits = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if !self.waits {
            self.waits = true;
            self.sleep.as_mut().reset(Instant::now() + BODY);
        }
        match self.sleep.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Stopped.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::any;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn connect() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Router::new().route("/", any(|| async { "ok" }))));
        TcpStream::connect(address).await.unwrap()
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_and_a_connection_that_is_not_used_are_given_up() {
        for sent in ["", "GET / HTTP/1.1\r\nHost:", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
            let mut stream = connect().await;
            stream.write_all(sent.as_bytes()).await.unwrap();
            if sent.ends_with("\r\n\r\n") {
                let mut answer = [0; 15];
                stream.read_exact(&mut answer).await.unwrap();
                assert_eq!(&answer, b"HTTP/1.1 200 OK");
            }
            // Real until here: paused time runs ahead of the network.
            tokio::time::pause();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            tokio::time::resume();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_given_up() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        sender.send(Ok(Bytes::from_static(b"half"))).await.unwrap();
        let request = timed(Request::new(Body::from_stream(stream)));

        let failed = axum::body::to_bytes(request.into_body(), 100).await.unwrap_err();

        assert!(stopped(&failed), "{failed}");
        drop(sender);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_whoever_reads_a_body_does_not_count() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        let request = timed(Request::new(Body::from_stream(stream)));
        tokio::time::sleep(2 * BODY).await;
        let read = tokio::spawn(axum::body::to_bytes(request.into_body(), 100));
        tokio::task::yield_now().await;
        sender.send(Ok(Bytes::from_static(b"whole"))).await.unwrap();
        drop(sender);

        assert_eq!(read.await.unwrap().unwrap(), "whole");
    }
}
