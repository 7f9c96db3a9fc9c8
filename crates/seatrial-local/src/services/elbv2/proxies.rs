//! What runs: the gates of load balancers and listeners, the groups and their targets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hdrhistogram::Histogram;

use super::rows::{TargetRow, target_key};
use crate::error::ServiceError;
use crate::metric::Statistics;
use crate::proxy::{Admission, Gate, Group, LateFin, Rules, Snapshot, Target};
use crate::runtime::interfaces::Interfaces;

/// Gates by the ARN of their load balancer or listener, groups by ARN, targets by key.
#[derive(Default)]
pub(crate) struct Proxies {
    running: Mutex<Running>,
    late_fin: OnceLock<LateFin>,
    /// Held while the tables and what runs are brought in step, so that the last change wins.
    in_step: Mutex<()>,
}

#[derive(Default)]
struct Running {
    gates: HashMap<String, Gate>,
    groups: HashMap<String, Arc<Group>>,
    targets: HashMap<String, Arc<Target>>,
}

impl Proxies {
    /// Opens a port for `arn` and answers its number. Nothing is served there yet.
    pub(super) fn reserve(
        &self,
        arn: &str,
        preferred: Option<u16>,
        admission: Admission,
    ) -> Result<u16, ServiceError> {
        let opened = preferred.map(|port| (port, Gate::open(Some(port), Arc::clone(&admission))));
        let gate = match opened {
            Some((_, Ok(gate))) => Ok(gate),
            Some((port, Err(error))) => {
                tracing::warn!(arn, port, %error, "a port that was used before is taken: another one is used");
                Gate::open(None, admission)
            }
            None => Gate::open(None, admission),
        };
        let gate = gate.map_err(|error| {
            ServiceError::internal(format!("no port could be opened for `{arn}`: {error}"))
        })?;
        let port = gate.port();
        self.lock().gates.insert(arn.to_owned(), gate);
        Ok(port)
    }

    /// Closes the port of `arn`; what is in flight ends.
    pub(super) fn release(&self, arn: &str) {
        self.lock().gates.remove(arn);
    }

    /// Sets what the port of `arn` answers; nothing without rules.
    pub(super) fn set_rules(&self, arn: &str, rules: Option<Arc<Rules>>) {
        if let Some(gate) = self.lock().gates.get(arn) {
            gate.set_rules(rules);
        }
    }

    /// Whom load balancers ask whether a target's FIN is to come late.
    pub(super) fn set_late_fin(&self, asked: LateFin) {
        self.late_fin.get_or_init(|| asked);
    }

    pub(super) fn late_fin(&self) -> Option<LateFin> {
        self.late_fin.get().cloned()
    }

    pub(super) fn in_step(&self) -> MutexGuard<'_, ()> {
        self.in_step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The running group, made if it is not there yet.
    pub(super) fn open_group(&self, arn: &str) -> Arc<Group> {
        Arc::clone(self.lock().groups.entry(arn.to_owned()).or_default())
    }

    pub(super) fn close_group(&self, arn: &str) {
        let mut running = self.lock();
        running.groups.remove(arn);
        let of_group = format!("{arn}|");
        running.targets.retain(|key, target| {
            let closed = key.starts_with(&of_group);
            if closed {
                target.drain();
            }
            !closed
        });
    }

    /// Puts a target, which is reached by `interfaces`, into its group, where it waits for its first health check. A draining one of the same
    /// address goes on draining beside it.
    pub(super) fn register(&self, row: &TargetRow, interfaces: Arc<Interfaces>) {
        let Ok(address) = row.id.parse::<IpAddr>() else { return };
        let key = target_key(&row.target_group_arn, &row.id, row.port);
        let target = Arc::new(Target::new((address, row.port).into(), interfaces));
        let mut running = self.lock();
        let group = Arc::clone(running.groups.entry(row.target_group_arn.clone()).or_default());
        if let Some(old) = running.targets.insert(key, Arc::clone(&target)) {
            old.drain();
            group.remove(&old);
        }
        group.add(target);
    }

    pub(super) fn target(&self, key: &str) -> Option<Arc<Target>> {
        self.lock().targets.get(key).cloned()
    }

    /// Keeps new requests from a target.
    pub(super) fn drain(&self, row: &TargetRow) {
        if let Some(target) = self.target(&target_key(&row.target_group_arn, &row.id, row.port)) {
            target.drain();
        }
    }

    /// Forgets a target that has drained.
    pub(super) fn forget(&self, target_group_arn: &str, key: &str) {
        let mut running = self.lock();
        let Some(target) = running.targets.remove(key) else { return };
        if let Some(group) = running.groups.get(target_group_arn) {
            group.remove(&target);
        }
    }

    pub(super) fn figures(&self) -> Vec<(String, Snapshot)> {
        let running = self.lock();
        let mut figures: Vec<_> =
            running.groups.iter().map(|(arn, group)| (arn.clone(), group.figures().snapshot())).collect();
        figures.sort_by(|one, other| one.0.cmp(&other.0));
        figures
    }

    /// What each group counted since the last call, and how many seconds its targets took.
    pub(super) fn measure(&self) -> Vec<(String, Snapshot, Option<Statistics>)> {
        let running = self.lock();
        let groups = running.groups.iter();
        let taken = groups.map(|(arn, group)| (arn.clone(), group.figures().take()));
        taken.map(|(arn, (counts, times))| (arn, counts, times)).collect()
    }

    /// What a group counted since the last call, and in how many microseconds its targets answered.
    pub(super) fn tick(&self, arn: &str) -> (Snapshot, Option<Histogram<u32>>) {
        self.lock().groups.get(arn).map(|group| group.figures().tick()).unwrap_or_default()
    }

    /// Closes everything; every port is free then.
    pub(super) async fn stop(&self) {
        let running = std::mem::take(&mut *self.lock());
        for (_, gate) in running.gates {
            gate.close().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
