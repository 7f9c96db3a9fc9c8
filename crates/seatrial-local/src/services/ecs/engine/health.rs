//! How the tasks of a task set do, by the health of their targets.

use std::collections::HashMap;
use std::time::Duration;

use super::targets::Healths;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::services::ecs::shapes::Service;
use crate::services::ecs::task::TaskRow;
use crate::services::elbv2::TargetHealth;

/// A task that never had the time to answer is not replaced, however fast time passes: starting is not
/// scaled.
const SHORTEST_GRACE: Duration = Duration::from_secs(5);

/// A task that no health check asks counts once it has run so long: AWS looks less often, and sees a program that ends at
/// once as ended.
const SETTLED: Duration = Duration::from_secs(2);

/// What the scheduler makes of a task.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It starts, or its target waits for the first health checks.
    Pending,
    /// It runs, and its target, if it has one, is healthy or not in use.
    Healthy,
    /// Its target is unhealthy, and the grace period over.
    Unhealthy { target_group: String, port: i64, reason: String },
}

/// The target groups of one look at a service, each asked once.
#[derive(Default)]
pub(super) struct Groups {
    asked: HashMap<String, Healths>,
}

impl Groups {
    async fn of(&mut self, cloud: &Cloud, target_group: &str) -> Result<&Healths, ServiceError> {
        if !self.asked.contains_key(target_group) {
            let healths = Healths::of(cloud, target_group).await?;
            self.asked.insert(target_group.to_owned(), healths);
        }
        let found = self.asked.get(target_group);
        found.ok_or_else(|| ServiceError::internal("a target group's health is gone"))
    }

    pub(super) async fn condition(
        &mut self,
        cloud: &Cloud,
        service: &Service,
        row: &TaskRow,
    ) -> Result<Condition, ServiceError> {
        if row.task.last_status != "RUNNING" {
            return Ok(Condition::Pending);
        }
        let Some(host) = &row.host else { return Ok(Condition::Pending) };
        let is_asked = row.load_balancers.iter().any(|balancer| balancer.target_group_arn.is_some());
        let mut condition = match is_asked || running(cloud, row).is_some_and(|running| running >= SETTLED) {
            true => Condition::Healthy,
            false => Condition::Pending,
        };
        for balancer in &row.load_balancers {
            let Some(target_group) = balancer.target_group_arn.as_deref() else { continue };
            let health = self.of(cloud, target_group).await?.find(host, balancer);
            match health.map(|health| health.state.as_str()) {
                Some("healthy" | "unused") => {}
                Some("unhealthy") if in_grace(cloud, service, row) => condition = Condition::Pending,
                Some("unhealthy") => {
                    return Ok(Condition::Unhealthy {
                        target_group: target_group.to_owned(),
                        port: balancer.container_port.unwrap_or_default(),
                        reason: health.map(why).unwrap_or_default(),
                    });
                }
                _ => condition = Condition::Pending,
            }
        }
        Ok(condition)
    }
}

fn why(health: &TargetHealth) -> String {
    health.description.clone().or_else(|| health.reason.clone()).unwrap_or_default()
}

fn in_grace(cloud: &Cloud, service: &Service, row: &TaskRow) -> bool {
    let seconds = service.health_check_grace_period_seconds.unwrap_or_default();
    let given = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let grace = cloud.clock().scaled(given).max(given.min(SHORTEST_GRACE));
    running(cloud, row).is_none_or(|running| running < grace)
}

/// How long its program runs.
fn running(cloud: &Cloud, row: &TaskRow) -> Option<Duration> {
    row.task.started_at.map(|started| cloud.clock().now().since(started))
}
