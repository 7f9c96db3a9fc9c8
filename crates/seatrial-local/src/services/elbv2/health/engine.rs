//! Drives one target: checks it, and lets it go once it has drained.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::rows::{TargetGroupRow, TargetRow};
use super::super::shapes::TargetHealth;
use super::super::store::Elb;
use super::super::{attributes, network};
use super::states::{checking, not_in_use, registering};
use super::verdict::Outcome;
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::error::ServiceError;
use crate::proxy::{ProbeFailure, Target, probe};

/// The shortest pause between two checks, however fast the clock runs.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// How often a draining target is looked at.
const DRAIN_INTERVAL: Duration = Duration::from_millis(20);

/// The engine of one target, by its key.
pub(in super::super) struct TargetEngine;

impl Engine for TargetEngine {
    const NAME: &'static str = "elbv2-target";
    const ENDS: bool = false;

    fn in_flight(cloud: &Cloud) -> Vec<String> {
        cloud.part::<Elb>().targets.entries().into_iter().map(|(key, _)| key).collect()
    }

    async fn step(cloud: &Cloud, key: &str) -> Next {
        let elb = cloud.part::<Elb>();
        match step(cloud, &elb, key).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(target = key, %error, "a target could not be driven");
                Next::After(Duration::from_secs(1))
            }
        }
    }
}

async fn step(cloud: &Cloud, elb: &Elb, key: &str) -> Result<Next, ServiceError> {
    let (Some(row), Some(target)) = (elb.targets.get(key), elb.proxies.target(key)) else {
        elb.streaks.forget(key);
        return Ok(Next::Done);
    };
    let Some(group) = elb.target_groups.get(&row.target_group_arn) else { return Ok(Next::Done) };
    if row.draining_since.is_some() {
        return drained(cloud, elb, (key, &row, &group), &target);
    }
    let load_balancers = elb.load_balancers_of(&row.target_group_arn);
    let Some(load_balancer) = load_balancers.first() else {
        elb.streaks.forget(key);
        target.set_healthy(false);
        set_health(elb, key, &row, not_in_use())?;
        return Ok(Next::Wait);
    };
    if row.health == registering() || row.health == not_in_use() {
        set_health(elb, key, &row, checking())?;
    }
    let outcome = tokio::select! {
        outcome = check(cloud, elb, load_balancer, (&row, &group, &target)) => outcome,
        // Looked at again at once: it drains now.
        () = target.closing().cancelled() => return Ok(Next::After(Duration::ZERO)),
    };
    if let Some(row) = elb.targets.get(key) {
        // Time to start does not help a target that security groups hide.
        let hidden = !target.reachable();
        let age = if hidden { Duration::MAX } else { cloud.clock().now().since(row.registered_at) };
        let new = elb.streaks.count(key, |streak| streak.count(&group.shape, &row.health, (outcome, age)));
        target.set_healthy(new.state == "healthy");
        set_health(elb, key, &row, new)?;
    }
    let interval = u64::try_from(group.shape.health_check_interval_seconds).unwrap_or_default();
    let interval = cloud.clock().scaled(Duration::from_secs(interval));
    Ok(Next::After(interval.max(SHORTEST_INTERVAL)))
}

fn set_health(elb: &Elb, key: &str, row: &TargetRow, health: TargetHealth) -> Result<(), ServiceError> {
    if row.health != health {
        // A deregistration in between has the last word.
        elb.targets.update(key, |row| {
            if row.draining_since.is_none() {
                row.health = health;
            }
        })?;
    }
    Ok(())
}

/// The port on which a target is checked.
pub(in super::super) fn check_port(group: &TargetGroupRow, target_port: u16) -> u16 {
    group.shape.health_check_port.parse().unwrap_or(target_port)
}

/// One check. Packets that a security group stops are lost, which looks like a target that does not answer.
async fn check(
    cloud: &Cloud,
    elb: &Elb,
    load_balancer: &str,
    (row, group, target): (&TargetRow, &TargetGroupRow, &Target),
) -> Outcome {
    let timeout = u64::try_from(group.shape.health_check_timeout_seconds).unwrap_or_default();
    let timeout = Duration::from_secs(timeout);
    let port = check_port(group, row.port);
    let reachable = match elb.load_balancers.get(load_balancer) {
        Some(load_balancer) => network::reaches(cloud, elb, &load_balancer.shape, row).await,
        None => true,
    };
    target.set_reachable(reachable);
    if !reachable {
        tokio::time::sleep(timeout).await;
        return Err(ProbeFailure::Timeout);
    }
    let address = SocketAddr::new(target.address().ip(), port);
    probe(target.interfaces(), address, &group.shape.health_check_path, timeout).await
}

/// Lets a draining target go once nothing is in flight, or its deregistration delay is over; what is in flight then ends: a
/// request, and a WebSocket. The delay is real time: it bounds requests, which take as long here as anywhere.
fn drained(
    cloud: &Cloud,
    elb: &Elb,
    (key, row, group): (&str, &TargetRow, &TargetGroupRow),
    target: &Target,
) -> Result<Next, ServiceError> {
    let delay = "deregistration_delay.timeout_seconds";
    let delay = attributes::seconds(&attributes::TARGET_GROUP, &group.attributes, delay);
    let since = row.draining_since.map_or(Duration::ZERO, |since| cloud.clock().now().since(since));
    if target.in_flight() > 0 && since < Duration::from_secs(delay) {
        return Ok(Next::After(DRAIN_INTERVAL));
    }
    let _in_step = elb.proxies.in_step();
    if elb.targets.get(key).is_none_or(|row| row.draining_since.is_none()) {
        return Ok(Next::After(Duration::ZERO));
    }
    elb.streaks.forget(key);
    target.end();
    elb.proxies.forget(&row.target_group_arn, key);
    elb.targets.remove(key)?;
    Ok(Next::Done)
}
