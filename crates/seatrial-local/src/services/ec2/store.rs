//! The records of a network, each kind in its table, by id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;

pub(super) type Tags = BTreeMap<String, String>;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Vpc {
    pub vpc_id: String,
    pub cidr_block: String,
    /// The group of whatever names none.
    pub default_security_group: String,
    pub tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Subnet {
    pub subnet_id: String,
    pub vpc_id: String,
    pub cidr_block: String,
    pub availability_zone: String,
    pub map_public_ip_on_launch: bool,
    pub tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RouteTable {
    pub id: String,
    pub vpc_id: String,
    /// The one of all subnets that are associated with no other.
    pub main: bool,
    /// Target (`igw-…`, `nat-…`, `vpce-…`, `local`) by destination.
    pub routes: BTreeMap<String, String>,
    /// Subnet by association id.
    pub associations: BTreeMap<String, String>,
    pub tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct InternetGateway {
    pub id: String,
    pub vpc_id: Option<String>,
    pub tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct NatGateway {
    pub id: String,
    pub vpc_id: String,
    pub subnet_id: String,
    pub allocation_id: Option<String>,
    pub tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Address {
    pub allocation_id: String,
    pub public_ip: String,
    pub tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VpcEndpoint {
    pub vpc_endpoint_id: String,
    pub vpc_id: String,
    /// `com.amazonaws.REGION.s3`.
    pub service_name: String,
    /// `Gateway` or `Interface`.
    pub vpc_endpoint_type: String,
    pub route_table_ids: Vec<String>,
    pub subnet_ids: Vec<String>,
    pub security_group_ids: Vec<String>,
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SecurityGroup {
    pub group_id: String,
    pub group_name: String,
    pub vpc_id: String,
    pub description: String,
    pub tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SecurityGroupRule {
    /// `sgr-…`.
    pub security_group_rule_id: String,
    pub group_id: String,
    pub is_egress: bool,
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub ip_protocol: String,
    pub from_port: i64,
    pub to_port: i64,
    pub peer: RulePeer,
    pub description: Option<String>,
    /// It was made as a resource of its own: the properties of its group do not hold it.
    #[serde(default)]
    pub stands_alone: bool,
}

/// Who is at the other end of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RulePeer {
    /// An IPv4 range.
    Cidr(String),
    /// An IPv6 range or a prefix list: kept, and never matched, for there is no such traffic here.
    Other(String),
    /// Members of a security group.
    Group(String),
}

/// All records.
pub(super) struct Network {
    pub vpcs: Table<Vpc>,
    pub subnets: Table<Subnet>,
    pub route_tables: Table<RouteTable>,
    pub internet_gateways: Table<InternetGateway>,
    pub nat_gateways: Table<NatGateway>,
    pub addresses: Table<Address>,
    pub endpoints: Table<VpcEndpoint>,
    pub groups: Table<SecurityGroup>,
    pub rules: Table<SecurityGroupRule>,
}

impl Part for Network {
    fn open(setup: &Setup) -> Self {
        let database = &setup.database;
        Self {
            vpcs: database.table("ec2-vpcs"),
            subnets: database.table("ec2-subnets"),
            route_tables: database.table("ec2-route-tables"),
            internet_gateways: database.table("ec2-internet-gateways"),
            nat_gateways: database.table("ec2-nat-gateways"),
            addresses: database.table("ec2-addresses"),
            endpoints: database.table("ec2-vpc-endpoints"),
            groups: database.table("ec2-security-groups"),
            rules: database.table("ec2-security-group-rules"),
        }
    }
}

impl Network {
    pub fn vpc(&self, id: &str) -> Result<Vpc, ServiceError> {
        let missing = || not_found("InvalidVpcID.NotFound", "vpc ID", id);
        self.vpcs.get(id).ok_or_else(missing)
    }

    pub fn subnet(&self, id: &str) -> Result<Subnet, ServiceError> {
        let missing = || not_found("InvalidSubnetID.NotFound", "subnet ID", id);
        self.subnets.get(id).ok_or_else(missing)
    }

    pub fn route_table(&self, id: &str) -> Result<RouteTable, ServiceError> {
        let missing = || not_found("InvalidRouteTableID.NotFound", "routeTable ID", id);
        self.route_tables.get(id).ok_or_else(missing)
    }

    pub fn internet_gateway(&self, id: &str) -> Result<InternetGateway, ServiceError> {
        let missing = || not_found("InvalidInternetGatewayID.NotFound", "internetGateway ID", id);
        self.internet_gateways.get(id).ok_or_else(missing)
    }

    pub fn group(&self, id: &str) -> Result<SecurityGroup, ServiceError> {
        let missing = || not_found("InvalidGroup.NotFound", "security group", id);
        self.groups.get(id).ok_or_else(missing)
    }

    /// The rules of a group in one direction.
    pub fn rules_of(&self, group_id: &str, is_egress: bool) -> Vec<SecurityGroupRule> {
        let mut rules = self.rules.values();
        rules.retain(|rule| rule.group_id == group_id && rule.is_egress == is_egress);
        rules
    }

    /// The internet gateway that is attached to a VPC.
    pub fn gateway_of(&self, vpc_id: &str) -> Option<InternetGateway> {
        self.internet_gateways.find(|gateway| gateway.vpc_id.as_deref() == Some(vpc_id))
    }
}

pub(super) fn not_found(code: &str, what: &str, id: &str) -> ServiceError {
    ServiceError::new(code, format!("The {what} '{id}' does not exist"))
}
