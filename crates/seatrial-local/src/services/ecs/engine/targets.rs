//! A task's places in target groups, by Elastic Load Balancing's own operations.

use super::scheduler::scheduler;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::services::ecs::shapes::LoadBalancer;
use crate::services::ecs::task::{Host, TaskRow};
use crate::services::elbv2::{
    DeregisterTargets, DescribeTargetHealth, NetworkInterface, RegisterTargets, TargetDescription,
    TargetHealth, TargetHealthDescription,
};

/// The targets of one target group with their health.
pub(super) struct Healths(Vec<TargetHealthDescription>);

impl Healths {
    pub(super) async fn of(cloud: &Cloud, target_group: &str) -> Result<Self, ServiceError> {
        let input = DescribeTargetHealth { target_group_arn: target_group.to_owned(), targets: Vec::new() };
        Ok(Self(cloud.call(&scheduler(cloud), input).await?.target_health_descriptions))
    }

    /// `None`: the group does not know the task.
    pub(super) fn find(&self, host: &Host, balancer: &LoadBalancer) -> Option<&TargetHealth> {
        let port = Some(port(host, balancer));
        let found = self.0.iter().find(|known| known.target.id == host.address && known.target.port == port);
        found.map(|known| &known.target_health)
    }
}

fn port(host: &Host, balancer: &LoadBalancer) -> u16 {
    host.port.unwrap_or_else(|| container_port(balancer))
}

fn container_port(balancer: &LoadBalancer) -> u16 {
    balancer.container_port.and_then(|port| u16::try_from(port).ok()).unwrap_or_default()
}

/// Each target group of the task, by its ARN, with the task's target there.
fn places(row: &TaskRow) -> Vec<(String, TargetDescription)> {
    let Some(host) = &row.host else { return Vec::new() };
    let place = |balancer: &LoadBalancer| {
        let mut target = TargetDescription::new(&host.address, port(host, balancer));
        target.network_interface = row.network.as_ref().map(|network| NetworkInterface {
            security_groups: network.awsvpc_configuration.security_groups.clone(),
            subnets: network.awsvpc_configuration.subnets.clone(),
            port: container_port(balancer),
        });
        Some((balancer.target_group_arn.clone()?, target))
    };
    row.load_balancers.iter().filter_map(place).collect()
}

pub(super) async fn register(cloud: &Cloud, row: &TaskRow) -> Result<(), ServiceError> {
    for (target_group_arn, target) in places(row) {
        let input = RegisterTargets { target_group_arn, targets: vec![target] };
        cloud.call(&scheduler(cloud), input).await?;
    }
    Ok(())
}

/// A group that is gone knows no target.
pub(super) async fn deregister(cloud: &Cloud, row: &TaskRow) -> Result<(), ServiceError> {
    for (target_group_arn, target) in places(row) {
        let input = DeregisterTargets { target_group_arn, targets: vec![target] };
        match cloud.call(&scheduler(cloud), input).await {
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
