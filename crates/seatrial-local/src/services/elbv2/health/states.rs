//! The states of targets, with reasons as AWS words them.

use super::super::shapes::TargetHealth;

pub(super) fn health(state: &str, reason: &str, description: &str) -> TargetHealth {
    TargetHealth {
        state: state.to_owned(),
        reason: Some(reason.to_owned()),
        description: Some(description.to_owned()),
    }
}

pub(in super::super) fn registering() -> TargetHealth {
    health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
}

pub(in super::super) fn checking() -> TargetHealth {
    health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
}

pub(in super::super) fn healthy() -> TargetHealth {
    TargetHealth { state: "healthy".to_owned(), reason: None, description: None }
}

pub(in super::super) fn draining() -> TargetHealth {
    health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
}

pub(in super::super) fn not_registered() -> TargetHealth {
    health("unused", "Target.NotRegistered", "Target is not registered to the target group")
}

pub(in super::super) fn not_in_use() -> TargetHealth {
    let description = "Target group is not configured to receive traffic from the load balancer";
    health("unused", "Target.NotInUse", description)
}
