//! The rules of listeners, and the shares of their traffic.
//!
//! A deployment group names listeners; what is moved is every rule of theirs that forwards to one of the group's two
//! target groups, the default one among them. AWS's pages speak of listeners alone: that rules are moved is seen in
//! production use (see `docs/decisions/0001-rules-alone-name-blue-and-green.md`).

use super::turn::{Trouble, Turn};
use crate::services::codedeploy::deployment::TargetGroup;
use crate::services::elbv2::{
    Action, DescribeRules, ForwardConfig, ModifyListener, ModifyRule, Rule, WeightedTargetGroup,
};

/// A rule that forwards to the deployment group's target groups.
#[derive(Debug, Clone)]
pub(super) struct TrafficRule {
    arn: String,
    is_default: bool,
    shares: Vec<WeightedTargetGroup>,
}

/// The rules of one listener that a deployment moves.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic {
    rules: Vec<TrafficRule>,
}

fn weight(share: &WeightedTargetGroup) -> i64 {
    share.weight.unwrap_or(1)
}

impl TrafficRule {
    fn of(rule: &Rule) -> Option<Self> {
        let action = rule.actions.iter().find(|action| action.kind == "forward")?;
        let (arn, shares) = (rule.rule_arn.clone(), action.target_groups().to_vec());
        Some(Self { arn, is_default: rule.is_default, shares })
    }

    fn names(&self, groups: &[&TargetGroup]) -> bool {
        let names = |arn: &str| groups.iter().any(|group| group.arn == arn);
        self.shares.iter().any(|share| names(&share.target_group_arn))
    }

    /// A target group's share in percent.
    fn percent(&self, target_group: &str) -> f64 {
        let total: i64 = self.shares.iter().map(weight).sum();
        let own = self.shares.iter().filter(|share| share.target_group_arn == target_group);
        let own: i64 = own.map(weight).sum();
        if total == 0 { 0.0 } else { own as f64 * 100.0 / total as f64 }
    }
}

impl Traffic {
    fn of(rules: &[Rule], groups: &[&TargetGroup]) -> Self {
        let rules = rules.iter().filter_map(TrafficRule::of).filter(|rule| rule.names(groups));
        Self { rules: rules.collect() }
    }

    /// A target group's share in percent: where rules differ, the least.
    pub(super) fn percent(&self, target_group: &str) -> f64 {
        self.rules.iter().map(|rule| rule.percent(target_group)).reduce(f64::min).unwrap_or_default()
    }

    /// Whether each rule sends requests to the target group.
    pub(super) fn leads_to(&self, target_group: &str) -> bool {
        !self.rules.is_empty() && self.rules.iter().all(|rule| rule.percent(target_group) > 0.0)
    }
}

impl Turn<'_> {
    /// The listener of production.
    pub(super) fn production_listener(&self) -> Result<String, Trouble> {
        let listener = self.row.group.settings.pair().and_then(|pair| pair.production_listener());
        listener.map(str::to_owned).ok_or_else(|| Trouble::Fatal {
            code: "MISSING_ELB_INFORMATION",
            message: "The deployment group has no production listener".to_owned(),
        })
    }

    /// The rules of a listener that forward to one of two target groups.
    pub(super) async fn traffic(
        &self,
        listener: &str,
        groups: [&TargetGroup; 2],
    ) -> Result<Traffic, Trouble> {
        let input = DescribeRules { listener_arn: Some(listener.to_owned()), ..DescribeRules::default() };
        Ok(Traffic::of(&self.elb(input).await?.rules, &groups))
    }

    /// Gives the whole traffic of each such rule to the two groups by weights that make 100. Both stay on it, also
    /// the one without weight, as AWS leaves them.
    pub(super) async fn route(
        &self,
        listener: &str,
        shares: [(&TargetGroup, i64); 2],
    ) -> Result<Traffic, Trouble> {
        let mut traffic = self.traffic(listener, shares.map(|(group, _)| group)).await?;
        let share = |(group, weight): (&TargetGroup, i64)| WeightedTargetGroup {
            target_group_arn: group.arn.clone(),
            weight: Some(weight),
        };
        let target_groups: Vec<WeightedTargetGroup> = shares.map(share).into();
        let config = ForwardConfig { target_groups: target_groups.clone(), ..ForwardConfig::default() };
        let action = Action { kind: "forward".to_owned(), forward_config: Some(config), ..Action::default() };
        for rule in &mut traffic.rules {
            let actions = Some(vec![action.clone()]);
            if rule.is_default {
                let input = ModifyListener {
                    listener_arn: listener.to_owned(),
                    default_actions: actions,
                    ..ModifyListener::default()
                };
                self.elb(input).await?;
            } else {
                let input = ModifyRule { rule_arn: rule.arn.clone(), conditions: None, actions };
                self.elb(input).await?;
            }
            rule.shares.clone_from(&target_groups);
        }
        Ok(traffic)
    }

    /// Notes what each task set gets of production.
    pub(super) fn note_traffic(&mut self, traffic: &Traffic) {
        for set in self.row.blue.iter_mut().chain(self.row.green.iter_mut()) {
            set.weight = traffic.percent(&set.target_group.arn);
        }
        self.row.updated = self.cloud.clock().now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(shares: &[(&str, i64)]) -> Rule {
        let share = |(arn, weight): &(&str, i64)| WeightedTargetGroup {
            target_group_arn: (*arn).to_owned(),
            weight: Some(*weight),
        };
        let target_groups = shares.iter().map(share).collect();
        let config = ForwardConfig { target_groups, ..ForwardConfig::default() };
        let action = Action { kind: "forward".to_owned(), forward_config: Some(config), ..Action::default() };
        Rule {
            rule_arn: "rule".to_owned(),
            priority: "1".to_owned(),
            conditions: Vec::new(),
            actions: vec![action],
            is_default: false,
        }
    }

    #[test]
    fn traffic_is_what_all_the_rules_agree_on_that_name_one_of_the_two_groups() {
        let group = |arn: &str| TargetGroup { arn: arn.to_owned(), name: arn.to_owned() };
        let (blue, green) = (group("blue"), group("green"));
        let of = |rules: &[Rule]| Traffic::of(rules, &[&blue, &green]);

        let one = of(&[rule(&[("blue", 0), ("green", 50)]), rule(&[("empty", 1)])]);
        assert_eq!((one.percent("blue"), one.percent("green")), (0.0, 100.0));
        assert!(one.leads_to("green") && !one.leads_to("blue"));

        let torn = of(&[rule(&[("blue", 0), ("green", 100)]), rule(&[("blue", 100), ("green", 0)])]);
        assert!(!torn.leads_to("green") && !torn.leads_to("blue"));
        assert!(!of(&[rule(&[("empty", 1)])]).leads_to("empty"));
    }
}
