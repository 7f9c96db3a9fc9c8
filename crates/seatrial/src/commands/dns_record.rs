//! The one record that the user makes: the domain's name leads to the load balancer.

use std::fmt;

use seatrial_project::Environment;
use serde::Serialize;

use super::deployed::Deployed;
use crate::plan::owned::Owned;

/// What has to stand in the domain's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DnsRecord {
    /// `domain` in project.yml.
    pub name: String,
    /// The load balancer's own name.
    pub target: String,
}

impl DnsRecord {
    /// Where a domain is set and the load balancer is there.
    pub(crate) fn of(environment: &Environment, deployed: &Deployed) -> Option<Self> {
        let (name, target) = (environment.domain.clone()?, deployed.output(Owned::LoadBalancerDnsName)?);
        Some(Self { name, target: target.to_owned() })
    }
}

impl fmt::Display for DnsRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, target } = self;
        write!(f, "{name} must lead to {target} (an alias record, or a CNAME below the zone's top)")
    }
}
