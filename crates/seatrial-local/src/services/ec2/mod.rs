//! EC2's networks as records: VPCs, subnets, routes, gateways, security groups. In process only, but for the rules of
//! security groups; no packet is filtered.
//!
//! What the records say still counts: load balancers, tasks and databases ask [`CheckTraffic`],
//! [`CheckRoute`] and [`CheckEgress`] before they talk.

mod cidr;
mod operations;
mod store;

pub(crate) use operations::*;
pub(crate) use store::{RulePeer, SecurityGroup, SecurityGroupRule, Subnet, Vpc};

#[cfg(test)]
mod tests;
