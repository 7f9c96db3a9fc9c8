//! Targets: registration, deregistration, health.

use serde::{Deserialize, Serialize};

use super::super::errors;
use super::super::health::{self, TargetEngine};
use super::super::rows::{TargetGroupRow, TargetRow, target_key};
use super::super::shapes::{Empty, TargetDescription, TargetHealthDescription};
use super::super::store::Elb;
use super::SERVICE;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Registers targets; one that drains serves again. Checked and served once its first health check passes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RegisterTargets {
    pub target_group_arn: String,
    pub targets: Vec<TargetDescription>,
}

impl Operation for RegisterTargets {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "RegisterTargets";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.target_group_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let group = find_group(&elb, &self.target_group_arn)?;
        let mut rows = Vec::new();
        for target in &self.targets {
            check_address(&target.id)?;
            rows.push(TargetRow {
                target_group_arn: self.target_group_arn.clone(),
                id: target.id.clone(),
                port: target.port.unwrap_or(group.shape.port),
                availability_zone: target.availability_zone.clone(),
                network_interface: target.network_interface.clone(),
                health: health::registering(),
                registered_at: call.cloud.clock().now(),
                draining_since: None,
            });
        }
        let _in_step = elb.proxies.in_step();
        for row in rows {
            let key = target_key(&row.target_group_arn, &row.id, row.port);
            let known = elb.targets.get(&key);
            if known.is_some_and(|row| row.draining_since.is_none()) {
                continue;
            }
            elb.streaks.forget(&key);
            elb.targets.put(&key, &row)?;
            elb.proxies.register(&row, call.cloud.part());
            call.cloud.start::<TargetEngine>(&key);
        }
        Ok(Empty {})
    }
}

/// Takes targets out of service: they get no new requests, and are gone once nothing is in flight.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeregisterTargets {
    pub target_group_arn: String,
    pub targets: Vec<TargetDescription>,
}

impl Operation for DeregisterTargets {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeregisterTargets";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.target_group_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        find_group(&elb, &self.target_group_arn)?;
        let _in_step = elb.proxies.in_step();
        for target in &self.targets {
            for row in elb.targets_of(&self.target_group_arn) {
                let meant = row.id == target.id && target.port.is_none_or(|port| port == row.port);
                if meant && row.draining_since.is_none() {
                    drain(&call.cloud, &elb, &row)?;
                }
            }
        }
        Ok(Empty {})
    }
}

fn drain(cloud: &Cloud, elb: &Elb, row: &TargetRow) -> Result<(), ServiceError> {
    let key = target_key(&row.target_group_arn, &row.id, row.port);
    let now = cloud.clock().now();
    elb.targets.update(&key, |row| {
        row.draining_since = Some(now);
        row.health = health::draining();
    })?;
    elb.proxies.drain(row);
    cloud.start::<TargetEngine>(&key);
    Ok(())
}

/// States and reasons of a group's targets: all of them, or those asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeTargetHealth {
    pub target_group_arn: String,
    #[serde(default)]
    pub targets: Vec<TargetDescription>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeTargetHealthOutput {
    pub target_health_descriptions: Vec<TargetHealthDescription>,
}

impl Operation for DescribeTargetHealth {
    type Output = DescribeTargetHealthOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeTargetHealth";

    async fn handle(self, call: &Call) -> Result<DescribeTargetHealthOutput, ServiceError> {
        let elb = call.cloud.part::<Elb>();
        let group = find_group(&elb, &self.target_group_arn)?;
        let rows = elb.targets_of(&self.target_group_arn);
        let described = if self.targets.is_empty() {
            rows.iter().map(|row| describe(&group, row)).collect()
        } else {
            self.targets.iter().map(|target| describe_one(&group, &rows, target)).collect()
        };
        Ok(DescribeTargetHealthOutput { target_health_descriptions: described })
    }
}

fn describe(group: &TargetGroupRow, row: &TargetRow) -> TargetHealthDescription {
    TargetHealthDescription {
        target: row.description(),
        health_check_port: health::check_port(group, row.port).to_string(),
        target_health: row.health.clone(),
    }
}

fn describe_one(
    group: &TargetGroupRow,
    rows: &[TargetRow],
    target: &TargetDescription,
) -> TargetHealthDescription {
    let port = target.port.unwrap_or(group.shape.port);
    match rows.iter().find(|row| row.id == target.id && row.port == port) {
        Some(row) => describe(group, row),
        None => TargetHealthDescription {
            target: TargetDescription { port: Some(port), ..target.clone() },
            health_check_port: health::check_port(group, port).to_string(),
            target_health: health::not_registered(),
        },
    }
}

fn find_group(elb: &Elb, arn: &str) -> Result<TargetGroupRow, ServiceError> {
    elb.target_groups.get(arn).ok_or_else(|| errors::target_group_not_found(arn))
}

/// A target must be an address of this machine: nothing is ever sent off it.
fn check_address(id: &str) -> Result<(), ServiceError> {
    let address = id.parse::<std::net::IpAddr>().map_err(|_| {
        ServiceError::validation(format!("The IP address '{id}' is not a valid IPv4 or IPv6 address"))
    })?;
    if address.is_loopback() {
        return Ok(());
    }
    Err(ServiceError::new(
        "InvalidTarget",
        format!(
            "target '{id}' is not on this machine: the local cloud sends requests to loopback addresses only"
        ),
    ))
}
