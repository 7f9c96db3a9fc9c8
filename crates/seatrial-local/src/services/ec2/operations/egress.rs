//! Where security groups let an interface connect to by address.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::super::cidr::Cidr;
use super::super::store::{Network, RulePeer};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Asks which TCP connections to addresses the egress rules of an interface's groups let out, whoever is there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckEgress {
    pub subnet_id: String,
    /// None: the default group of the VPC.
    pub security_groups: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Egress {
    pub ranges: Vec<EgressRange>,
}

/// What one rule lets out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EgressRange {
    pub address: Ipv4Addr,
    /// Length of the prefix.
    pub bits: u8,
    /// First and last; `None`: all of them, of every protocol.
    pub ports: Option<(u16, u16)>,
}

pub(super) fn check_egress(input: CheckEgress, network: &Network, _: &Cloud) -> Result<Egress, ServiceError> {
    let mut groups = input.security_groups;
    if groups.is_empty() {
        let subnet = network.subnet(&input.subnet_id)?;
        groups.push(network.vpc(&subnet.vpc_id)?.default_security_group);
    }
    let mut ranges = Vec::new();
    for group in &groups {
        network.group(group)?;
        for rule in network.rules_of(group, true) {
            let RulePeer::Cidr(range) = &rule.peer else { continue };
            let (address, bits) = Cidr::parse(range)?.prefix();
            let port = |port: i64| u16::try_from(port).ok();
            let ports = match (rule.ip_protocol.as_str(), port(rule.from_port), port(rule.to_port)) {
                ("-1", _, _) => None,
                ("tcp" | "6", Some(from), Some(to)) => Some((from, to)),
                ("tcp" | "6", _, _) => Some((0, u16::MAX)),
                _ => continue,
            };
            ranges.push(EgressRange { address, bits, ports });
        }
    }
    Ok(Egress { ranges })
}
