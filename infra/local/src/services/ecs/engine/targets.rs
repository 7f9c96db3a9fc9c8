//! A task's places in target groups, by Elastic Load Balancing's own operations.

use serde::Deserialize;
use serde_json::{Value, json};

use super::scheduler;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::services::ecs::shapes::LoadBalancer;
use crate::services::ecs::task::{Host, TaskRow};

const ELB: &str = "elasticloadbalancing";

/// A target as the load balancer sees it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Description {
    target: Target,
    target_health: TargetHealth,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Target {
    id: String,
    port: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TargetHealth {
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining`.
    pub state: String,
    /// `Target.ResponseCodeMismatch`, …
    pub reason: String,
    pub description: String,
}

/// The targets of one target group with their health.
pub(super) struct Healths(Vec<Description>);

impl Healths {
    pub(super) async fn of(cloud: &Cloud, target_group: &str) -> Result<Self, ServiceError> {
        let input = json!({ "TargetGroupArn": target_group });
        let mut answer = cloud.dispatch(&scheduler(cloud), (ELB, "DescribeTargetHealth"), input).await?;
        let descriptions = answer["TargetHealthDescriptions"].take();
        let known = serde_json::from_value(descriptions);
        Ok(Self(known.map_err(|error| ServiceError::internal(format!("target health: {error}")))?))
    }

    /// `None`: the group does not know the task.
    pub(super) fn find(&self, host: &Host, balancer: &LoadBalancer) -> Option<&TargetHealth> {
        let port = port(host, balancer);
        let found = self.0.iter().find(|known| known.target.id == host.address && known.target.port == port);
        found.map(|known| &known.target_health)
    }
}

fn port(host: &Host, balancer: &LoadBalancer) -> i64 {
    host.port.map_or(balancer.container_port.unwrap_or_default(), i64::from)
}

/// Each target group of the task with its target there, as a request names them.
fn places(row: &TaskRow) -> Vec<Value> {
    let Some(host) = &row.host else { return Vec::new() };
    let place = |balancer: &LoadBalancer| {
        let target_group = balancer.target_group_arn.as_deref()?;
        let mut target = json!({ "Id": host.address, "Port": port(host, balancer) });
        if let Some(network) = &row.network {
            let network = &network.awsvpc_configuration;
            target["NetworkInterface"] = json!({
                "SecurityGroups": network.security_groups,
                "Subnets": network.subnets,
                "Port": balancer.container_port,
            });
        }
        Some(json!({ "TargetGroupArn": target_group, "Targets": [target] }))
    };
    row.load_balancers.iter().filter_map(place).collect()
}

pub(super) async fn register(cloud: &Cloud, row: &TaskRow) -> Result<(), ServiceError> {
    for input in places(row) {
        cloud.dispatch(&scheduler(cloud), (ELB, "RegisterTargets"), input).await?;
    }
    Ok(())
}

/// A group that is gone knows no target.
pub(super) async fn deregister(cloud: &Cloud, row: &TaskRow) -> Result<(), ServiceError> {
    for input in places(row) {
        match cloud.dispatch(&scheduler(cloud), (ELB, "DeregisterTargets"), input).await {
            Err(error) if !error.code.contains("NotFound") => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a load balancer still has requests with the task.
pub(super) async fn are_draining(cloud: &Cloud, row: &TaskRow) -> Result<bool, ServiceError> {
    let Some(host) = &row.host else { return Ok(false) };
    for balancer in &row.load_balancers {
        let Some(target_group) = balancer.target_group_arn.as_deref() else { continue };
        let healths = match Healths::of(cloud, target_group).await {
            Ok(healths) => healths,
            Err(error) if error.code.contains("NotFound") => continue,
            Err(error) => return Err(error),
        };
        if healths.find(host, balancer).is_some_and(|health| health.state == "draining") {
            return Ok(true);
        }
    }
    Ok(false)
}
