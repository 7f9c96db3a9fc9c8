//! Shapes of AWS's model that several operations share, and that the tables hold as they are.

use serde::{Deserialize, Serialize};

use crate::clock::Epoch;

/// What a listener does with a request. Which config is set follows from `kind`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Action {
    /// `forward`, `redirect` or `fixed-response`.
    #[serde(rename = "Type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    /// The short form of a forward to one group. AWS shows it beside `ForwardConfig`, whichever was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_config: Option<ForwardConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_config: Option<RedirectConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_response_config: Option<FixedResponseConfig>,
}

impl Action {
    /// The groups a forward names, in whichever form, with their weights.
    pub(crate) fn target_groups(&self) -> &[WeightedTargetGroup] {
        self.forward_config.as_ref().map_or(&[], |config| &config.target_groups)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ForwardConfig {
    #[serde(default)]
    pub target_groups: Vec<WeightedTargetGroup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_stickiness_config: Option<Stickiness>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WeightedTargetGroup {
    pub target_group_arn: String,
    /// 0 to 999; 1 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
}

/// Kept and shown, not acted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stickiness {
    #[serde(default)]
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i64>,
}

/// The parts of the address to redirect to; `#{host}` and the like stand for the request's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RedirectConfig {
    #[serde(default = "same_protocol")]
    pub protocol: String,
    #[serde(default = "same_port")]
    pub port: String,
    #[serde(default = "same_host")]
    pub host: String,
    #[serde(default = "same_path")]
    pub path: String,
    #[serde(default = "same_query")]
    pub query: String,
    /// `HTTP_301` or `HTTP_302`.
    pub status_code: String,
}

fn same_protocol() -> String {
    "#{protocol}".to_owned()
}

fn same_port() -> String {
    "#{port}".to_owned()
}

fn same_host() -> String {
    "#{host}".to_owned()
}

fn same_path() -> String {
    "/#{path}".to_owned()
}

fn same_query() -> String {
    "#{query}".to_owned()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct FixedResponseConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_body: Option<String>,
    /// `503`, as text.
    pub status_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Certificate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listener {
    pub listener_arn: String,
    pub load_balancer_arn: String,
    pub port: u16,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    pub default_actions: Vec<Action>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoadBalancer {
    pub load_balancer_arn: String,
    /// `127.0.0.1:PORT`: the address of the listener on 443, else on 80, else on the lowest port.
    #[serde(rename = "DNSName")]
    pub dns_name: String,
    pub canonical_hosted_zone_id: String,
    pub created_time: Epoch,
    pub load_balancer_name: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    pub vpc_id: String,
    pub state: LoadBalancerState,
    #[serde(rename = "Type")]
    pub kind: String,
    pub availability_zones: Vec<AvailabilityZone>,
    pub security_groups: Vec<String>,
    pub ip_address_type: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoadBalancerState {
    /// Always `active`: a load balancer serves as soon as its creation is answered.
    pub code: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AvailabilityZone {
    pub zone_name: String,
    pub subnet_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TargetGroup {
    pub target_group_arn: String,
    pub target_group_name: String,
    pub protocol: String,
    pub port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    pub health_check_protocol: String,
    /// `traffic-port` or a number.
    pub health_check_port: String,
    pub health_check_enabled: bool,
    pub health_check_interval_seconds: i64,
    pub health_check_timeout_seconds: i64,
    pub healthy_threshold_count: i64,
    pub unhealthy_threshold_count: i64,
    pub health_check_path: String,
    pub matcher: Matcher,
    /// The load balancers whose listeners name this group; filled in when it is shown.
    pub load_balancer_arns: Vec<String>,
    pub target_type: String,
    pub protocol_version: String,
    pub ip_address_type: String,
}

/// `200`, `200,204` or `200-299`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Matcher {
    pub http_code: String,
}

/// A key and its value, of a load balancer or a target group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attribute {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TargetDescription {
    /// An address of this machine: the local cloud sends nothing off it.
    pub id: String,
    /// The target group's port if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Not AWS's, and in process only: whoever registers a target that has a network interface says which, so
    /// that its security groups count. Without it the load balancer always reaches the target.
    #[serde(default, skip_serializing)]
    pub network_interface: Option<NetworkInterface>,
}

/// What security groups are judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NetworkInterface {
    /// None: the default group of the VPC.
    pub security_groups: Vec<String>,
    /// Those it may be in.
    pub subnets: Vec<String>,
    /// The port its rules are about, which is not the target's where all targets share one address.
    pub port: u16,
}

impl TargetDescription {
    pub(crate) fn new(id: &str, port: u16) -> Self {
        Self { id: id.to_owned(), port: Some(port), availability_zone: None, network_interface: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TargetHealth {
    /// `initial`, `healthy`, `unhealthy`, `draining` or `unused`.
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TargetHealthDescription {
    pub target: TargetDescription,
    pub health_check_port: String,
    pub target_health: TargetHealth,
}

/// An answer without members.
#[derive(Debug, Serialize)]
pub(crate) struct Empty {}
