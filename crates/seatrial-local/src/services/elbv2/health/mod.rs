//! Health of targets: states and reasons as AWS words them, and the engine that moves between them.
//!
//! ```text
//! RegisterTargets ─> initial ── check passes ──> healthy <── HealthyThresholdCount passes ──┐
//!                       └────── UnhealthyThresholdCount failures ─────────────────> unhealthy
//! group on no listener: unused      DeregisterTargets: draining ── nothing in flight ──> gone
//! ```

mod engine;
mod verdict;

pub(super) use engine::TargetEngine;
pub(super) use verdict::{Streaks, parse_codes};

use super::shapes::{Listener, TargetHealth};
use super::store::{Elb, TargetGroupRow, target_key};
use crate::cloud::Cloud;
use crate::error::ServiceError;

fn health(state: &str, reason: &str, description: &str) -> TargetHealth {
    TargetHealth {
        state: state.to_owned(),
        reason: Some(reason.to_owned()),
        description: Some(description.to_owned()),
    }
}

pub(super) fn registering() -> TargetHealth {
    health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
}

pub(super) fn checking() -> TargetHealth {
    health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
}

pub(super) fn healthy() -> TargetHealth {
    TargetHealth { state: "healthy".to_owned(), reason: None, description: None }
}

pub(super) fn draining() -> TargetHealth {
    health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
}

pub(super) fn not_registered() -> TargetHealth {
    health("unused", "Target.NotRegistered", "Target is not registered to the target group")
}

pub(super) fn not_in_use() -> TargetHealth {
    let description = "Target group is not configured to receive traffic from the load balancer";
    health("unused", "Target.NotInUse", description)
}

/// The port on which a target is checked.
pub(super) fn check_port(group: &TargetGroupRow, target_port: u16) -> u16 {
    group.shape.health_check_port.parse().unwrap_or(target_port)
}

/// Looks at the targets of a group again: its settings, or what leads to it, changed.
pub(super) fn wake(cloud: &Cloud, elb: &Elb, target_group_arn: &str) {
    for row in elb.targets_of(target_group_arn) {
        cloud.start::<TargetEngine>(&target_key(target_group_arn, &row.id, row.port));
    }
}

/// [`wake`] for every group that these listeners name.
pub(super) fn wake_groups<'a>(cloud: &Cloud, elb: &Elb, listeners: impl IntoIterator<Item = &'a Listener>) {
    let actions = listeners.into_iter().flat_map(|listener| &listener.default_actions);
    let mut arns: Vec<_> =
        actions.flat_map(|action| action.target_groups()).map(|group| &group.target_group_arn).collect();
    arns.sort();
    arns.dedup();
    for arn in arns {
        wake(cloud, elb, arn);
    }
}

/// Registered targets begin again after a restart.
pub(super) fn resume(elb: &Elb) -> Result<(), ServiceError> {
    for (key, row) in elb.targets.entries() {
        elb.proxies.register(&row);
        match row.draining_since {
            Some(_) => elb.proxies.drain(&row),
            None => {
                elb.targets.update(&key, |row| row.health = registering())?;
            }
        }
    }
    Ok(())
}
