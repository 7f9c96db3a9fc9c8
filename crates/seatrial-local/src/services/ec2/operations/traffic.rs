//! What the records allow: traffic between two ends, and the way out of a subnet.

use serde::{Deserialize, Serialize};

use super::super::cidr::Cidr;
use super::super::store::{Network, RouteTable, RulePeer, SecurityGroupRule, Subnet};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Asks whether TCP connections may be made from one end to a port of the other.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckTraffic {
    pub from: Peer,
    pub to: Peer,
    pub port: u16,
}

/// One end of a connection.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) enum Peer {
    /// A machine outside all VPCs, by its address: `127.0.0.1` is the operator's own.
    Address(String),
    /// A network interface in a VPC.
    #[serde(rename_all = "PascalCase")]
    Interface {
        /// None: the default group of the VPC.
        security_groups: Vec<String>,
        /// The subnets in which it may be; only asked for where rules name address ranges.
        subnets: Vec<String>,
    },
}

/// Whether it may, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Verdict {
    pub allowed: bool,
    /// What is in the way; empty where nothing is.
    pub reason: String,
}

impl Verdict {
    fn yes() -> Self {
        Self { allowed: true, reason: String::new() }
    }

    fn no(reason: String) -> Self {
        Self { allowed: false, reason }
    }
}

/// A peer with its names looked up.
struct End {
    groups: Vec<String>,
    ranges: Vec<Cidr>,
    outside: bool,
}

impl End {
    fn of(peer: &Peer, network: &Network) -> Result<Self, ServiceError> {
        match peer {
            Peer::Address(address) => {
                Ok(Self { groups: Vec::new(), ranges: vec![Cidr::parse(address)?], outside: true })
            }
            Peer::Interface { security_groups, subnets } => {
                let subnets: Vec<Subnet> =
                    subnets.iter().map(|id| network.subnet(id)).collect::<Result<_, _>>()?;
                let mut groups = security_groups.clone();
                for id in &groups {
                    network.group(id)?;
                }
                if let (true, Some(subnet)) = (groups.is_empty(), subnets.first()) {
                    groups.push(network.vpc(&subnet.vpc_id)?.default_security_group);
                }
                let ranges = subnets.iter().map(|subnet| Cidr::parse(&subnet.cidr_block));
                Ok(Self { groups, ranges: ranges.collect::<Result<_, _>>()?, outside: false })
            }
        }
    }

    /// Whether a rule of this end's groups lets `other` through.
    fn lets(&self, network: &Network, is_egress: bool, (other, port): (&Self, u16)) -> bool {
        let rules = self.groups.iter().flat_map(|id| network.rules_of(id, is_egress));
        self.outside || rules.into_iter().any(|rule| fits_port(&rule, port) && other.is_named_by(&rule))
    }

    fn is_named_by(&self, rule: &SecurityGroupRule) -> bool {
        match &rule.peer {
            RulePeer::Group(id) => self.groups.contains(id),
            RulePeer::Cidr(range) if range == "0.0.0.0/0" => true,
            RulePeer::Cidr(range) => Cidr::parse(range).is_ok_and(|range| {
                !self.ranges.is_empty() && self.ranges.iter().all(|own| range.contains(*own))
            }),
            RulePeer::Other(_) => false,
        }
    }

    fn words(&self, peer: &Peer) -> String {
        match peer {
            Peer::Address(address) => address.clone(),
            Peer::Interface { .. } => self.groups.join(", "),
        }
    }
}

fn fits_port(rule: &SecurityGroupRule, port: u16) -> bool {
    let any_port = rule.from_port == -1 && rule.to_port == -1;
    match rule.ip_protocol.as_str() {
        "-1" => true,
        "tcp" | "6" => any_port || (rule.from_port..=rule.to_port).contains(&i64::from(port)),
        _ => false,
    }
}

pub(super) fn check_traffic(
    input: CheckTraffic,
    network: &Network,
    _: &Cloud,
) -> Result<Verdict, ServiceError> {
    let (from, to) = (End::of(&input.from, network)?, End::of(&input.to, network)?);
    let (from_words, to_words) = (from.words(&input.from), to.words(&input.to));
    let port = input.port;
    if !from.lets(network, true, (&to, port)) {
        let reason = format!("no egress rule of {from_words} allows TCP port {port} of {to_words}");
        return Ok(Verdict::no(reason));
    }
    if !to.lets(network, false, (&from, port)) {
        let reason = format!("no ingress rule of {to_words} allows TCP port {port} from {from_words}");
        return Ok(Verdict::no(reason));
    }
    Ok(Verdict::yes())
}

/// Asks whether something in a subnet reaches AWS's services over HTTPS: the registry, secrets, logs. Through
/// an internet gateway (with a public address), a NAT gateway, or the registry's endpoints.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckRoute {
    pub subnet_id: String,
    pub has_public_ip: bool,
    /// None: the default group of the VPC.
    pub security_groups: Vec<String>,
}

const HTTPS: u16 = 443;

pub(super) fn check_route(
    input: CheckRoute,
    network: &Network,
    cloud: &Cloud,
) -> Result<Verdict, ServiceError> {
    let subnet = network.subnet(&input.subnet_id)?;
    let interface =
        Peer::Interface { security_groups: input.security_groups, subnets: vec![input.subnet_id] };
    let end = End::of(&interface, network)?;
    let somewhere = End { groups: Vec::new(), ranges: Vec::new(), outside: true };
    let table = table_of(network, &subnet);
    let by_endpoints = table.as_ref().is_some_and(|table| has_endpoints(network, cloud, &subnet, table));
    if !by_endpoints {
        let way_out = table
            .as_ref()
            .map_or(Err("no route table".to_owned()), |table| way_out(network, table, input.has_public_ip));
        if let Err(problem) = way_out {
            return Ok(Verdict::no(format!("subnet {} has {problem}", subnet.subnet_id)));
        }
    }
    if !by_endpoints && !end.lets(network, true, (&somewhere, HTTPS)) {
        let groups = end.groups.join(", ");
        return Ok(Verdict::no(format!("no egress rule of {groups} allows TCP port {HTTPS} of 0.0.0.0/0")));
    }
    Ok(Verdict::yes())
}

fn table_of(network: &Network, subnet: &Subnet) -> Option<RouteTable> {
    let of_subnet = |table: &RouteTable| table.associations.values().any(|id| *id == subnet.subnet_id);
    let main = |table: &RouteTable| table.main && table.vpc_id == subnet.vpc_id;
    network.route_tables.find(of_subnet).or_else(|| network.route_tables.find(main))
}

/// What is missing on the way to the internet.
fn way_out(network: &Network, table: &RouteTable, has_public_ip: bool) -> Result<(), String> {
    let Some(target) = table.routes.get("0.0.0.0/0") else {
        return Err(format!("no route to 0.0.0.0/0 in {}", table.id));
    };
    if target.starts_with("igw-") {
        let attached = network.internet_gateways.get(target).is_some_and(|gateway| gateway.vpc_id.is_some());
        return match (attached, has_public_ip) {
            (false, _) => Err(format!("a default route to {target}, which is not attached")),
            (true, false) => Err(format!("a default route to {target}, which needs a public IP")),
            (true, true) => Ok(()),
        };
    }
    let nat = network.nat_gateways.get(target).and_then(|nat| network.subnets.get(&nat.subnet_id));
    let beyond = nat.and_then(|subnet| table_of(network, &subnet)).filter(|beyond| beyond.id != table.id);
    match beyond {
        Some(beyond) if beyond.routes.get("0.0.0.0/0").is_some_and(|target| target.starts_with("igw-")) => {
            Ok(())
        }
        _ => Err(format!("a default route to {target}, which leads nowhere")),
    }
}

/// Whether the endpoints that a pull needs are in reach of the subnet.
fn has_endpoints(network: &Network, cloud: &Cloud, subnet: &Subnet, table: &RouteTable) -> bool {
    ["ecr.api", "ecr.dkr", "s3"].iter().all(|service| {
        let name = format!("com.amazonaws.{}.{service}", cloud.region());
        let serves = network.endpoints.find(|endpoint| {
            endpoint.service_name == name
                && endpoint.vpc_id == subnet.vpc_id
                && (endpoint.vpc_endpoint_type == "Interface" || endpoint.route_table_ids.contains(&table.id))
        });
        serves.is_some()
    })
}
