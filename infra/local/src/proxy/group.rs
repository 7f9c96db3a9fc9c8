//! A group of targets, among which requests go round.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use super::figures::Figures;
use super::target::{InFlight, Standing, Target};

/// A target group. Its targets are swapped whole, so that a request never sees half a change.
#[derive(Default)]
pub(crate) struct Group {
    targets: ArcSwap<Vec<Arc<Target>>>,
    turn: AtomicUsize,
    figures: Figures,
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

    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Enters a request at the next healthy target; at any that is not draining while none is healthy, as
    /// AWS fails open. `None`: nobody is left to ask.
    pub(super) fn pick(&self) -> Option<InFlight> {
        let targets = self.targets.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let enter = |standing: Standing| {
            let fitting: Vec<_> = targets.iter().filter(|target| target.standing() == standing).collect();
            let from = turn.checked_rem(fitting.len())?;
            let around = fitting[from..].iter().chain(&fitting[..from]);
            around.into_iter().find_map(|target| target.enter())
        };
        enter(Standing::Healthy).or_else(|| enter(Standing::Waiting))
    }
}
