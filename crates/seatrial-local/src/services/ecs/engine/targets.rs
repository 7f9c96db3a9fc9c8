//! A task's places in target groups, by Elastic Load Balancing's own operations, and what the events of its service say
//! of them, in ECS's words (recorded answers of DescribeServices).

use super::scheduler::scheduler;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::services::ecs::shapes::LoadBalancer;
use crate::services::ecs::store::EcsStore;
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
    for (group, target) in places(row) {
        let input = RegisterTargets { target_group_arn: group.clone(), targets: vec![target] };
        if let Err(error) = cloud.call(&scheduler(cloud), input).await {
            let message = &error.message;
            let told = format!("failed to register targets in (target-group {group}) with (error {message})");
            tell(cloud, row, &told)?;
            return Err(error);
        }
        tell(cloud, row, &format!("registered 1 targets in (target-group {group})"))?;
    }
    Ok(())
}

/// A group that is gone knows no target, and nothing drains there.
pub(super) async fn deregister(cloud: &Cloud, row: &TaskRow) -> Result<(), ServiceError> {
    let mut drains = false;
    for (group, target) in places(row) {
        let input = DeregisterTargets { target_group_arn: group.clone(), targets: vec![target] };
        match cloud.call(&scheduler(cloud), input).await {
            Err(error) if error.code.contains("NotFound") => {}
            Err(error) => return Err(error),
            Ok(_) => {
                drains = true;
                tell(cloud, row, &format!("deregistered 1 targets in (target-group {group})"))?;
            }
        }
    }
    match drains {
        // The one event that names the task set of a rolling deployment, too.
        true => tell_of(cloud, row, |_| true, "has begun draining connections on 1 tasks."),
        false => Ok(()),
    }
}

/// A task set is named; a deployment, which ECS's own controller makes, is not.
fn tell(cloud: &Cloud, row: &TaskRow, message: &str) -> Result<(), ServiceError> {
    tell_of(cloud, row, |is_deployment| !is_deployment, message)
}

fn tell_of(
    cloud: &Cloud,
    row: &TaskRow,
    is_named: impl Fn(bool) -> bool,
    message: &str,
) -> Result<(), ServiceError> {
    let store = cloud.part::<EcsStore>();
    let key = row.task_set.as_deref();
    let Some((key, found)) = key.and_then(|key| Some((key, store.task_sets.get(key)?))) else {
        return Ok(());
    };
    let service: Vec<_> = key.splitn(3, '/').take(2).collect();
    let named = is_named(found.is_deployment).then_some(found.set.id.as_str());
    store.tell(cloud, &service.join("/"), named, message)
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
