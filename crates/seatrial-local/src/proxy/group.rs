//! A group of targets, among which requests go round.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderMap;

use super::figures::Figures;
use super::sticky::{self, Sharing};
use super::target::{InFlight, Standing, State, Target};

/// A target group. Its targets are swapped whole, so that a request never sees half a change.
#[derive(Default)]
pub(crate) struct Group {
    targets: ArcSwap<Vec<Arc<Target>>>,
    turn: AtomicUsize,
    sharing: ArcSwap<Sharing>,
    figures: Figures,
    #[cfg(test)]
    pub(super) meanwhile: std::sync::Mutex<std::collections::VecDeque<Box<dyn FnOnce() + Send>>>,
}

impl Group {
    pub(crate) fn add(&self, target: Arc<Target>) {
        self.targets.rcu(|targets| {
            let mut targets = Vec::clone(targets);
            targets.push(Arc::clone(&target));
            targets
        });
    }

    pub(crate) fn remove(&self, target: &Arc<Target>) {
        self.targets.rcu(|targets| {
            let mut targets = Vec::clone(targets);
            targets.retain(|other| !Arc::ptr_eq(other, target));
            targets
        });
    }

    /// How requests are shared from now on.
    pub(crate) fn set_sharing(&self, sharing: Sharing) {
        self.sharing.store(Arc::new(sharing));
    }

    pub(super) fn sharing(&self) -> Arc<Sharing> {
        self.sharing.load_full()
    }

    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Enters a request at the next healthy target; at any that is not draining while none is healthy, as
    /// AWS fails open. `None`: nobody is left to ask.
    ///
    /// Targets come, go and change while they are looked at. A healthy one that still lets the request in is
    /// right whatever changed; that none is healthy, or nobody is left, is believed only of a group that a
    /// second look finds as the first did. So it looks again only after something changed in between.
    ///
    /// A client that cookies bind to a target gets that one while it is healthy.
    pub(super) fn pick(&self, headers: &HeaderMap) -> Option<InFlight> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let sharing = self.sharing();
        let token = sharing.sticky.as_ref().and_then(|sticky| sticky.token(headers));
        let mut look = self.look();
        loop {
            self.seam();
            if let Some(entered) = token.and_then(|token| look.enter_bound(token)) {
                return Some(entered);
            }
            if let Some(entered) = look.enter_ready(turn, sharing.slow_start) {
                return Some(entered);
            }
            if let Some(entered) = look.enter(Standing::Healthy, turn) {
                return Some(entered);
            }
            let again = self.look();
            if again == look {
                if !look.has(Standing::Waiting) {
                    return None;
                }
                self.seam();
                if let Some(entered) = look.enter(Standing::Waiting, turn) {
                    return Some(entered);
                }
            }
            look = again;
        }
    }

    fn look(&self) -> Look {
        let targets = self.targets.load_full();
        let states = targets.iter().map(|target| target.state()).collect();
        Look { targets, states }
    }

    /// Where a test puts what others do in the middle of [`Group::pick`]; the tests have their own.
    #[cfg(not(test))]
    fn seam(&self) {}
}

/// The targets and the state each was in when it was looked at. Two equal looks: nothing changed from the end
/// of the first to the beginning of the second, for a state never comes back.
struct Look {
    targets: Arc<Vec<Arc<Target>>>,
    states: Vec<State>,
}

impl PartialEq for Look {
    fn eq(&self, other: &Self) -> bool {
        // While this look holds the list no other list can lie where it lies.
        Arc::ptr_eq(&self.targets, &other.targets) && self.states == other.states
    }
}

impl Look {
    fn has(&self, standing: Standing) -> bool {
        self.states.iter().any(|state| state.standing() == standing)
    }

    /// Enters the request at the healthy target that the token names.
    fn enter_bound(&self, token: &str) -> Option<InFlight> {
        let seen = self.targets.iter().zip(&self.states);
        let mut healthy = seen.filter(|(_, state)| state.standing() == Standing::Healthy);
        healthy.find(|(target, _)| sticky::names(token, target.address()))?.0.enter()
    }

    /// Enters the request at the next healthy target, passing over those that are starting slowly as often as their share
    /// has it. `None` also if all of them are passed over.
    fn enter_ready(&self, turn: usize, slow_start: Duration) -> Option<InFlight> {
        if slow_start.is_zero() {
            return None;
        }
        // Multiples of the golden ratio are spread evenly.
        let place = (turn as f64 * 0.618_033_988_749_894_9).fract();
        let seen = self.targets.iter().zip(&self.states);
        let ready: Vec<_> = seen
            .filter(|(target, state)| {
                state.standing() == Standing::Healthy && target.share(slow_start) > place
            })
            .map(|(target, _)| target)
            .collect();
        let from = turn.checked_rem(ready.len())?;
        ready[from..].iter().chain(&ready[..from]).find_map(|target| target.enter())
    }

    /// Enters the request at the next of the targets of that standing; `None` if all of them drain by now.
    fn enter(&self, standing: Standing, turn: usize) -> Option<InFlight> {
        let seen = self.targets.iter().zip(&self.states);
        let fitting: Vec<_> =
            seen.filter(|(_, state)| state.standing() == standing).map(|(target, _)| target).collect();
        let from = turn.checked_rem(fitting.len())?;
        let around = fitting[from..].iter().chain(&fitting[..from]);
        around.into_iter().find_map(|target| target.enter())
    }
}
