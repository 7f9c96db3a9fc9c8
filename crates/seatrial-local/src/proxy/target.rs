//! A target: its standing, its connections, and what is in flight to it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use crate::runtime::interfaces::Interfaces;

/// How often connections that are not used are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Whether a target gets new requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Only while no target of the group is healthy.
    Waiting,
    Healthy,
    /// Never again.
    Draining,
}

/// A standing, and which in the row of its target's standings it is: so one that comes back can be told from
/// one that stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State(u64);

impl State {
    pub(super) fn standing(self) -> Standing {
        match self.0 & 3 {
            0 => Standing::Waiting,
            1 => Standing::Healthy,
            _ => Standing::Draining,
        }
    }

    /// The next state, if it is one: a draining target stays one.
    fn next(self, standing: Standing) -> Option<Self> {
        let changes = self.standing() != Standing::Draining && self.standing() != standing;
        changes.then_some(Self(((self.0 >> 2) + 1) << 2 | standing as u64))
    }
}

/// One address that requests are sent to.
pub(crate) struct Target {
    address: SocketAddr,
    /// By which it is reached.
    interfaces: Arc<Interfaces>,
    state: AtomicU64,
    reachable: AtomicBool,
    in_flight: AtomicUsize,
    idle: Mutex<Vec<Idle>>,
    healthy_since: Mutex<Option<Instant>>,
    closing: CancellationToken,
    let_go: CancellationToken,
}

impl Target {
    pub(crate) fn new(address: SocketAddr, interfaces: Arc<Interfaces>) -> Self {
        Self {
            address,
            interfaces,
            state: AtomicU64::new(Standing::Waiting as u64),
            reachable: AtomicBool::new(true),
            in_flight: AtomicUsize::new(0),
            idle: Mutex::default(),
            healthy_since: Mutex::default(),
            closing: CancellationToken::new(),
            let_go: CancellationToken::new(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    pub(super) fn state(&self) -> State {
        State(self.state.load(Ordering::SeqCst))
    }

    pub(crate) fn standing(&self) -> Standing {
        self.state().standing()
    }

    /// A draining target stays one.
    pub(crate) fn set_healthy(&self, healthy: bool) {
        let mut since = self.healthy_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if healthy { Some(since.unwrap_or_else(Instant::now)) } else { None };
        self.set_standing(if healthy { Standing::Healthy } else { Standing::Waiting });
    }

    /// How much of its share a healthy target gets, 0 to 1: it grows for the time of `slow_start`.
    pub(super) fn share(&self, slow_start: Duration) -> f64 {
        let since = *self.healthy_since.lock().unwrap_or_else(PoisonError::into_inner);
        match since {
            Some(since) if !slow_start.is_zero() => since.elapsed().as_secs_f64() / slow_start.as_secs_f64(),
            _ => 1.0,
        }
    }

    /// Sends it no new requests; those in flight go on.
    pub(crate) fn drain(&self) {
        self.set_standing(Standing::Draining);
        self.closing.cancel();
        self.idle().clear();
    }

    fn set_standing(&self, standing: Standing) {
        let next = |state| State(state).next(standing).map(|next| next.0);
        let _ = self.state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }

    /// Cancelled when draining begins.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Ends what is still in flight: its deregistration delay is over.
    pub(crate) fn end(&self) {
        self.let_go.cancel();
    }

    /// Comes when what is in flight must end.
    pub(super) async fn let_go(&self) {
        self.let_go.cancelled().await;
    }

    /// Whether security groups let the load balancer through; packets to an unreachable target are lost.
    pub(crate) fn reachable(&self) -> bool {
        self.reachable.load(Ordering::Relaxed)
    }

    pub(crate) fn set_reachable(&self, reachable: bool) {
        self.reachable.store(reachable, Ordering::Relaxed);
    }

    /// Requests whose response has not ended. Once it is zero on a draining target it stays zero.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Enters a request; `None` on a draining target. Counted before the standing is looked at: so whoever
    /// drains either sees the request or keeps it out.
    pub(super) fn enter(self: &Arc<Self>) -> Option<InFlight> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let entered = InFlight { target: Arc::clone(self) };
        (self.standing() != Standing::Draining).then_some(entered)
    }

    /// A connection that was used before and seems open. `Err`: its target has closed it, and `late` answers that this is
    /// not known yet.
    pub(super) fn take_idle(&self, late: impl Fn() -> bool) -> Result<Option<Connection>, Crossed> {
        let mut idle = self.idle();
        while let Some(Idle { connection, .. }) = idle.pop() {
            if !connection.is_closed() {
                return Ok(Some(connection));
            }
            if late() {
                return Err(Crossed);
            }
        }
        Ok(None)
    }

    /// Keeps a connection for the next request, for as long as the load balancer's idle time-out: AWS advises targets to
    /// keep theirs longer. The standing is looked at under the lock: a drain that it does not show yet clears what is
    /// kept.
    pub(super) fn keep(self: &Arc<Self>, connection: Connection, idle_timeout: Duration) {
        let mut idle = self.idle();
        if self.standing() == Standing::Draining {
            return;
        }
        let is_first = idle.is_empty();
        idle.push(Idle { connection, until: Instant::now() + idle_timeout });
        if is_first {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    #[cfg(test)]
    pub(super) fn set_healthy_since(&self, ago: Duration) {
        *self.healthy_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now().checked_sub(ago);
    }

    /// Whether all that is kept is known to be closed.
    #[cfg(test)]
    pub(super) fn keeps_only_closed(&self) -> bool {
        let idle = self.idle();
        !idle.is_empty() && idle.iter().all(|kept| kept.connection.is_closed())
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is kept.
struct Idle {
    connection: Connection,
    until: Instant,
}

/// A request that left on a connection which its target was just closing.
pub(super) struct Crossed;

/// Closes what was not used for too long, until nothing is kept.
async fn sweep(target: Weak<Target>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(target) = target.upgrade() else { return };
        let mut idle = target.idle();
        let now = Instant::now();
        idle.retain(|kept| now < kept.until);
        if idle.is_empty() {
            return;
        }
    }
}

/// A request in flight; it counts until this is dropped.
pub(super) struct InFlight {
    target: Arc<Target>,
}

impl InFlight {
    pub(super) fn target(&self) -> &Arc<Target> {
        &self.target
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.target.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
