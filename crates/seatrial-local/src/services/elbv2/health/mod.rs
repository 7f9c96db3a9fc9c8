//! Health of targets: their states, and the engine that moves between them.
//!
//! ```text
//! RegisterTargets ─> initial ── check passes ──> healthy <── HealthyThresholdCount passes ──┐
//!                       └────── UnhealthyThresholdCount failures ─────────────────> unhealthy
//! group on no listener: unused      DeregisterTargets: draining ── nothing in flight ──> gone
//! ```

mod engine;
mod states;
mod verdict;

pub(super) use engine::{TargetEngine, check_port};
pub(super) use states::{draining, not_registered, registering};
pub(super) use verdict::{Streaks, parse_codes};

use super::rows::target_key;
use super::shapes::Action;
use super::store::Elb;
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Looks at the targets of a group again: its settings, or what leads to it, changed.
pub(super) fn wake(cloud: &Cloud, elb: &Elb, target_group_arn: &str) {
    for row in elb.targets_of(target_group_arn) {
        cloud.start::<TargetEngine>(&target_key(target_group_arn, &row.id, row.port));
    }
}

/// [`wake`] for every group that these actions name.
pub(super) fn wake_groups<'a>(cloud: &Cloud, elb: &Elb, actions: impl IntoIterator<Item = &'a Action>) {
    let groups = actions.into_iter().flat_map(Action::target_groups);
    let mut arns: Vec<_> = groups.map(|group| &group.target_group_arn).collect();
    arns.sort();
    arns.dedup();
    for arn in arns {
        wake(cloud, elb, arn);
    }
}

/// Registered targets begin again after a restart.
pub(super) fn resume(cloud: &Cloud, elb: &Elb) -> Result<(), ServiceError> {
    for (key, row) in elb.targets.entries() {
        elb.proxies.register(&row, cloud.part());
        match row.draining_since {
            Some(_) => elb.proxies.drain(&row),
            None => {
                elb.targets.update(&key, |row| row.health = registering())?;
            }
        }
    }
    Ok(())
}
