//! What a port does with a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::conditions::{Asked, Condition};
use super::group::Group;
use super::tls::Tls;

/// Asked when it happens; it answers how often it was told to.
pub(crate) type LateFin = Arc<dyn Fn() -> bool + Send + Sync>;

/// A listener's rules. Never changed: a listener gets new ones.
pub(crate) struct Rules {
    /// The port AWS would listen on, which targets see as `X-Forwarded-Port`.
    pub port: u16,
    /// `http` or `https`, which targets see as `X-Forwarded-Proto`.
    pub protocol: &'static str,
    /// How clients are spoken with; `None`: in plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// Whether clients who can are spoken with in HTTP/2, which takes TLS.
    pub http2: bool,
    /// How long nothing may move on a connection, on either side.
    pub idle_timeout: Duration,
    /// How long a client's connection is kept, however busy.
    pub client_keep_alive: Duration,
    /// Whether the next request that finds a pooled connection closed by its target leaves as if that were not known
    /// yet: a fault.
    pub late_fin: Option<LateFin>,
    /// The first that fits a request counts.
    pub cases: Vec<Case>,
    /// What happens to requests that no case fits.
    pub action: Action,
}

impl Rules {
    pub(super) fn action_for(&self, asked: &Asked) -> &Action {
        let case =
            self.cases.iter().find(|case| case.conditions.iter().all(|condition| condition.holds(asked)));
        case.map_or(&self.action, |case| &case.action)
    }
}

/// What happens to the requests that fit all its conditions.
pub(crate) struct Case {
    pub conditions: Vec<Condition>,
    pub action: Action,
}

pub(crate) enum Action {
    Forward(Forward),
    Redirect(Redirect),
    Fixed(Fixed),
}

/// Groups by weight.
pub(crate) struct Forward {
    groups: Vec<(Arc<Group>, u32)>,
    total: u64,
    turn: AtomicU64,
}

impl Forward {
    pub(crate) fn new(groups: Vec<(Arc<Group>, u32)>) -> Self {
        let total = groups.iter().map(|(_, weight)| u64::from(*weight)).sum();
        Self { groups, total, turn: AtomicU64::new(0) }
    }

    /// The group for the next request. Multiples of the golden ratio are spread evenly, so that even a few
    /// requests are shared by weight. `None`: all weights are zero.
    pub(super) fn choose(&self) -> Option<&Arc<Group>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let spread = turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let mut place = (spread * self.total) >> 32;
        self.groups.iter().find_map(|(group, weight)| {
            let weight = u64::from(*weight);
            if place < weight {
                return Some(group);
            }
            place -= weight;
            None
        })
    }
}

/// A redirect; `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for the request's own.
pub(crate) struct Redirect {
    pub protocol: String,
    pub host: String,
    pub port: String,
    pub path: String,
    pub query: String,
    /// 301 or 302.
    pub status: u16,
    /// Where this machine serves what AWS would serve on the port redirected to.
    pub local_ports: Vec<(u16, u16)>,
}

/// An answer without a target.
pub(crate) struct Fixed {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_shared_by_weight_even_when_they_are_few() {
        let groups: Vec<_> = (0..2).map(|_| Arc::new(Group::default())).collect();
        let forward = Forward::new(vec![(Arc::clone(&groups[0]), 90), (Arc::clone(&groups[1]), 10)]);

        let chosen: Vec<_> = (0..100).map(|_| forward.choose().unwrap()).collect();

        let second = chosen.iter().filter(|group| Arc::ptr_eq(group, &groups[1])).count();
        assert!((9..=11).contains(&second), "{second} of 100");
    }

    #[test]
    fn a_forward_whose_weights_are_all_zero_chooses_nobody() {
        let forward = Forward::new(vec![(Arc::new(Group::default()), 0)]);

        assert!(forward.choose().is_none());
    }
}
