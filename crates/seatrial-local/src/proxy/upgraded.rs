//! A connection after an upgrade, a WebSocket say: bytes both ways.
//!
//! It counts as in flight, so a target that is taken off is waited for; and it ends, whatever either side would like, when
//! nothing moved for the idle time-out, or when the deregistration delay is over (AWS: target group attributes,
//! deregistration delay; listeners, WebSockets).

use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::activity::Activity;
use super::moving::Moving;
use super::target::InFlight;

/// Carries bytes both ways until either side ends, or neither may go on.
pub(super) async fn join(
    (client_side, target_side): (OnUpgrade, OnUpgrade),
    in_flight: InFlight,
    idle_timeout: Duration,
) {
    let (Ok(client), Ok(target)) = tokio::join!(client_side, target_side) else { return };
    let activity = Activity::default();
    let mut client = Moving::new(TokioIo::new(client), activity.clone());
    let mut target = Moving::new(TokioIo::new(target), activity.clone());
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
