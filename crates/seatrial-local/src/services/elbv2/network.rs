//! What Elastic Load Balancing asks EC2: zones of subnets, and whether security groups let requests through.

use std::sync::Arc;

use super::rows::{TargetRow, target_key};
use super::shapes::{AvailabilityZone, LoadBalancer};
use super::store::Elb;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::proxy::Admission;
use crate::services::ec2::{CheckTraffic, DescribeSecurityGroups, DescribeSubnets, DescribeVpcs, Peer};

fn principal(cloud: &Cloud) -> Principal {
    Principal::service("elasticloadbalancing.amazonaws.com", cloud.account())
}

/// The zones of `subnets` and their VPC; AWS wants at least two zones.
pub(super) async fn zones(
    cloud: &Cloud,
    subnets: &[String],
) -> Result<(Vec<AvailabilityZone>, String), ServiceError> {
    let mut zones: Vec<AvailabilityZone> = Vec::new();
    let mut vpc_id = String::new();
    for id in subnets {
        let found = cloud.call(&principal(cloud), DescribeSubnets { subnet_ids: vec![id.clone()] }).await;
        let found = found.ok().and_then(|mut found| found.subnets.pop());
        let Some(subnet) = found else {
            let message = format!("The subnet ID '{id}' does not exist");
            return Err(ServiceError::new("SubnetNotFound", message));
        };
        if zones.iter().any(|zone| zone.zone_name == subnet.availability_zone) {
            let message =
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
            return Err(ServiceError::new("InvalidConfigurationRequest", message));
        }
        vpc_id = subnet.vpc_id;
        zones.push(AvailabilityZone { zone_name: subnet.availability_zone, subnet_id: id.clone() });
    }
    if zones.len() < 2 {
        let message = "At least two subnets in two different Availability Zones must be specified";
        return Err(ServiceError::validation(message));
    }
    Ok((zones, vpc_id))
}

/// The security groups of a load balancer: those given, which must exist, else the VPC's default group.
pub(super) async fn security_groups(
    cloud: &Cloud,
    given: Vec<String>,
    vpc_id: &str,
) -> Result<Vec<String>, ServiceError> {
    if given.is_empty() {
        let vpcs = cloud.call(&principal(cloud), DescribeVpcs { vpc_ids: vec![vpc_id.to_owned()] }).await?;
        return Ok(vpcs.vpcs.into_iter().map(|vpc| vpc.default_security_group).collect());
    }
    for id in &given {
        let input = DescribeSecurityGroups { group_ids: vec![id.clone()] };
        if cloud.call(&principal(cloud), input).await.is_err() {
            let message = format!("The security group '{id}' does not exist");
            return Err(ServiceError::new("InvalidSecurityGroup", message));
        }
    }
    Ok(given)
}

/// Whether a load balancer reaches a target. One without a known network interface is reached: nothing is
/// known of its groups.
pub(super) async fn reaches(
    cloud: &Cloud,
    elb: &Elb,
    load_balancer: &LoadBalancer,
    target: &TargetRow,
) -> bool {
    let Some(interface) = &target.network_interface else { return true };
    let key = target_key(&target.target_group_arn, &target.id, target.port);
    let question = CheckTraffic {
        from: interface_of(load_balancer),
        to: Peer::Interface {
            security_groups: interface.security_groups.clone(),
            subnets: interface.subnets.clone(),
        },
        port: interface.port,
    };
    let what = format!("target {}", target.id);
    allowed(cloud, elb, (key, &what), question).await
}

/// Lets in whom the load balancer's security groups let in at a gate: a listener's, or the load balancer's own.
pub(super) fn admission(cloud: &Cloud, arn: &str) -> Admission {
    let (cloud, arn) = (cloud.clone(), arn.to_owned());
    Arc::new(move |client| {
        let (cloud, arn) = (cloud.clone(), arn.clone());
        Box::pin(async move {
            let elb = cloud.part::<Elb>();
            let Some((load_balancer, port)) = elb.behind(&arn) else { return false };
            let question = CheckTraffic {
                from: Peer::Address(client.to_string()),
                to: interface_of(&load_balancer.shape),
                port,
            };
            let key = format!("{arn}|{client}");
            allowed(&cloud, &elb, (key, "the load balancer"), question).await
        })
    })
}

fn interface_of(load_balancer: &LoadBalancer) -> Peer {
    let zones = &load_balancer.availability_zones;
    Peer::Interface {
        security_groups: load_balancer.security_groups.clone(),
        subnets: zones.iter().map(|zone| zone.subnet_id.clone()).collect(),
    }
}

/// What EC2 says of a connection, or said a moment ago.
async fn allowed(cloud: &Cloud, elb: &Elb, (key, what): (String, &str), question: CheckTraffic) -> bool {
    if let Some(allowed) = elb.reach.fresh(&key) {
        return allowed;
    }
    let allowed = match cloud.call(&principal(cloud), question).await {
        Ok(verdict) => {
            if !verdict.allowed {
                tracing::warn!(what, reason = verdict.reason, "cannot be reached");
            }
            verdict.allowed
        }
        Err(error) => {
            tracing::warn!(what, %error, "EC2 does not know the way");
            true
        }
    };
    elb.reach.learn(key, allowed);
    allowed
}
