//! The tables of Elastic Load Balancing, and the proxy that serves what they say.

use crate::cloud::{Part, Setup};
use crate::persist::{PersistError, Table};

use super::health::Streaks;
use super::proxies::Proxies;
use super::reach::Reach;
use super::rows::{ListenerRow, LoadBalancerRow, RuleRow, TargetGroupRow, TargetRow};
use super::shapes::{Action, TargetGroup};
use super::shown::Shown;

/// Elastic Load Balancing's own state. Tables by ARN, targets by [`target_key`](super::rows::target_key).
pub(crate) struct Elb {
    pub(super) load_balancers: Table<LoadBalancerRow>,
    pub(super) listeners: Table<ListenerRow>,
    pub(super) rules: Table<RuleRow>,
    pub(super) target_groups: Table<TargetGroupRow>,
    pub(super) targets: Table<TargetRow>,
    pub(super) proxies: Proxies,
    pub(super) streaks: Streaks,
    pub(super) reach: Reach,
    pub(super) shown: Shown,
}

impl Part for Elb {
    fn open(setup: &Setup) -> Self {
        let database = &setup.database;
        Self {
            load_balancers: database.table("elbv2-load-balancers"),
            listeners: database.table("elbv2-listeners"),
            rules: database.table("elbv2-rules"),
            target_groups: database.table("elbv2-target-groups"),
            targets: database.table("elbv2-targets"),
            proxies: Proxies::default(),
            streaks: Streaks::default(),
            reach: Reach::default(),
            shown: Shown::default(),
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

    /// The rules of a listener in the order in which they count, the default one not among them.
    pub(super) fn rules_of(&self, listener_arn: &str) -> Vec<RuleRow> {
        let mut rows = self.rules.values();
        rows.retain(|row| row.listener_arn == listener_arn);
        rows.sort_by_key(|row| row.priority);
        rows
    }

    /// Whatever the listeners of a load balancer and their rules do with requests.
    pub(super) fn actions_of(&self, load_balancer_arn: &str) -> Vec<Action> {
        let listeners = self.listeners_of(load_balancer_arn).into_iter();
        let of_listener = |row: ListenerRow| {
            let rules = self.rules_of(&row.shape.listener_arn).into_iter().flat_map(|rule| rule.actions);
            rules.chain(row.shape.default_actions)
        };
        listeners.flat_map(of_listener).collect()
    }

    /// Removes a listener with its rules, as AWS has it; `None` if there is none.
    pub(super) fn remove_listener(&self, arn: &str) -> Result<Option<ListenerRow>, PersistError> {
        for rule in self.rules_of(arn) {
            self.rules.remove(&rule.rule_arn)?;
        }
        self.proxies.release(arn);
        self.shown.set(arn, None);
        self.listeners.remove(arn)
    }

    /// ARN of the load balancer that a rule is part of.
    pub(super) fn load_balancer_of(&self, rule: &RuleRow) -> String {
        self.listeners.get(&rule.listener_arn).map(|row| row.shape.load_balancer_arn).unwrap_or_default()
    }

    pub(super) fn targets_of(&self, target_group_arn: &str) -> Vec<TargetRow> {
        let rows = self.targets.with_prefix(&format!("{target_group_arn}|"));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// The load balancers whose listeners or rules name the group; AWS allows one.
    pub(super) fn load_balancers_of(&self, target_group_arn: &str) -> Vec<String> {
        let name_it = |actions: &[Action]| {
            let mut groups = actions.iter().flat_map(Action::target_groups);
            groups.any(|group| group.target_group_arn == target_group_arn)
        };
        let listeners = self.listeners.values().into_iter();
        let listeners = listeners.filter(|row| name_it(&row.shape.default_actions));
        let rules = self.rules.values().into_iter().filter(|row| name_it(&row.actions));
        let mut arns: Vec<String> = listeners.map(|row| row.shape.load_balancer_arn).collect();
        arns.extend(rules.map(|row| self.load_balancer_of(&row)));
        arns.sort();
        arns.dedup();
        arns
    }

    /// The group as AWS shows it.
    pub(super) fn shown(&self, row: TargetGroupRow) -> TargetGroup {
        let load_balancer_arns = self.load_balancers_of(&row.shape.target_group_arn);
        TargetGroup { load_balancer_arns, ..row.shape }
    }

    /// The load balancer whose listener or whose own gate this is, and the port that AWS would listen on there.
    pub(super) fn behind(&self, arn: &str) -> Option<(LoadBalancerRow, u16)> {
        match self.listeners.get(arn) {
            Some(row) => Some((self.load_balancers.get(&row.shape.load_balancer_arn)?, row.shape.port)),
            None => {
                let port = primary(&self.listeners_of(arn))?.shape.port;
                Some((self.load_balancers.get(arn)?, port))
            }
        }
    }
}

/// The listener that `DNSName` leads to: the one on 443, else on 80, else on the lowest port.
pub(super) fn primary(listeners: &[ListenerRow]) -> Option<&ListenerRow> {
    let on = |port| listeners.iter().find(|row| row.shape.port == port);
    on(443).or_else(|| on(80)).or_else(|| listeners.iter().min_by_key(|row| row.shape.port))
}
