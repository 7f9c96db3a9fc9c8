//! A connection after an upgrade, a WebSocket say: bytes both ways.
//!
//! It counts as in flight, so a target that is taken off is waited for; and it ends, whatever either side would like, when
//! nothing moved for the idle time-out, or when the deregistration delay is over (AWS: target group attributes,
//! deregistration delay; listeners, WebSockets).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};

use super::activity::Activity;
use super::target::InFlight;

/// Carries bytes both ways until either side ends, or neither may go on.
pub(super) async fn join(
    (client_side, target_side): (OnUpgrade, OnUpgrade),
    in_flight: InFlight,
    idle_timeout: Duration,
) {
    let (Ok(client), Ok(target)) = tokio::join!(client_side, target_side) else { return };
    let activity = Activity::default();
    let mut client = Side { io: TokioIo::new(client), activity: activity.clone() };
    let mut target = Side { io: TokioIo::new(target), activity: activity.clone() };
    let address = in_flight.target().address();
    tokio::select! {
        carried = copy_bidirectional(&mut client, &mut target) => {
            if let Err(error) = carried {
                tracing::debug!(target = %address, %error, "an upgraded connection ended");
            }
        }
        () = activity.idle_for(idle_timeout) => {
            tracing::debug!(target = %address, "an upgraded connection was idle for too long");
        }
        () = in_flight.target().let_go() => {
            tracing::debug!(target = %address, "an upgraded connection outlived its target's deregistration delay");
        }
    }
}

/// One side; what is read from it is activity.
struct Side<T> {
    io: T,
    activity: Activity,
}

impl<T: AsyncRead + Unpin> AsyncRead for Side<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.touch();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Side<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
