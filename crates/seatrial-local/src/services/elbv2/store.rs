//! The tables of Elastic Load Balancing, and the proxy that serves what they say.

use crate::cloud::{Part, Setup};
use crate::persist::Table;

use super::health::Streaks;
use super::proxies::Proxies;
use super::reach::Reach;
use super::rows::{ListenerRow, LoadBalancerRow, TargetGroupRow, TargetRow};
use super::shapes::TargetGroup;

/// Elastic Load Balancing's own state. Tables by ARN, targets by [`target_key`](super::rows::target_key).
pub(crate) struct Elb {
    pub(super) load_balancers: Table<LoadBalancerRow>,
    pub(super) listeners: Table<ListenerRow>,
    pub(super) target_groups: Table<TargetGroupRow>,
    pub(super) targets: Table<TargetRow>,
    pub(super) proxies: Proxies,
    pub(super) streaks: Streaks,
    pub(super) reach: Reach,
}

impl Part for Elb {
    fn open(setup: &Setup) -> Self {
        let database = &setup.database;
        Self {
            load_balancers: database.table("elbv2-load-balancers"),
            listeners: database.table("elbv2-listeners"),
            target_groups: database.table("elbv2-target-groups"),
            targets: database.table("elbv2-targets"),
            proxies: Proxies::default(),
            streaks: Streaks::default(),
            reach: Reach::default(),
        }
    }
}

impl Elb {
    pub(super) fn listeners_of(&self, load_balancer_arn: &str) -> Vec<ListenerRow> {
        let mut rows = self.listeners.values();
        rows.retain(|row| row.shape.load_balancer_arn == load_balancer_arn);
        rows.sort_by_key(|row| row.shape.port);
        rows
    }

    pub(super) fn targets_of(&self, target_group_arn: &str) -> Vec<TargetRow> {
        let rows = self.targets.with_prefix(&format!("{target_group_arn}|"));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// The load balancers whose listeners name the group; AWS allows one.
    pub(super) fn load_balancers_of(&self, target_group_arn: &str) -> Vec<String> {
        let names_it = |row: &ListenerRow| {
            let groups = row.shape.default_actions.iter().flat_map(|action| action.target_groups());
            groups.into_iter().any(|group| group.target_group_arn == target_group_arn)
        };
        let listeners = self.listeners.values();
        let mut arns: Vec<_> =
            listeners.into_iter().filter(names_it).map(|row| row.shape.load_balancer_arn).collect();
        arns.sort();
        arns.dedup();
        arns
    }

    /// The group as AWS shows it.
    pub(super) fn shown(&self, row: TargetGroupRow) -> TargetGroup {
        let load_balancer_arns = self.load_balancers_of(&row.shape.target_group_arn);
        TargetGroup { load_balancer_arns, ..row.shape }
    }
}
