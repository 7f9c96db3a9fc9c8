//! The records of Elastic Load Balancing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conditions::RuleCondition;
use super::shapes::{
    Action, Listener, LoadBalancer, NetworkInterface, TargetDescription, TargetGroup, TargetHealth,
};
use crate::clock::Epoch;
use crate::tags::Tag;

/// A load balancer with what its shape does not show.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LoadBalancerRow {
    pub shape: LoadBalancer,
    /// Attributes that differ from AWS's defaults.
    pub attributes: BTreeMap<String, String>,
    pub tags: Vec<Tag>,
    /// The port of this machine that `DNSName` names.
    pub local_port: u16,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ListenerRow {
    pub shape: Listener,
    pub default_rule_arn: String,
    pub tags: Vec<Tag>,
    /// The port of this machine on which this listener answers, besides the load balancer's own.
    pub local_port: u16,
}

/// A rule; a listener's default one is its default action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RuleRow {
    pub rule_arn: String,
    pub listener_arn: String,
    /// 1 to 50,000: the lowest that fits a request counts.
    pub priority: i64,
    pub conditions: Vec<RuleCondition>,
    pub actions: Vec<Action>,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TargetGroupRow {
    pub shape: TargetGroup,
    /// Attributes that differ from AWS's defaults.
    pub attributes: BTreeMap<String, String>,
    pub tags: Vec<Tag>,
}

/// A registered or draining target; its key is [`target_key`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TargetRow {
    pub target_group_arn: String,
    pub id: String,
    pub port: u16,
    pub availability_zone: Option<String>,
    /// Where it is in the network, if whoever registered it said so.
    pub network_interface: Option<NetworkInterface>,
    pub health: TargetHealth,
    pub registered_at: Epoch,
    /// Since when it drains; `None` while it is registered.
    pub draining_since: Option<Epoch>,
}

impl TargetRow {
    pub(super) fn description(&self) -> TargetDescription {
        let mut description = TargetDescription::new(&self.id, self.port);
        description.availability_zone.clone_from(&self.availability_zone);
        description
    }
}

pub(super) fn target_key(target_group_arn: &str, id: &str, port: u16) -> String {
    format!("{target_group_arn}|{id}:{port}")
}
