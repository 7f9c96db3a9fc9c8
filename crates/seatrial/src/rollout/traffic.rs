//! Where the traffic goes: what the rules of the listeners say, and which target group is live.

use futures_util::future::try_join_all;

use crate::aws::{Aws, AwsError, ForwardingRule};

/// The two target groups by name, in the order in which they are always given.
pub(crate) const GROUPS: [&str; 2] = ["blue", "green"];

/// What leads to the application: ARNs, and the service behind them.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    /// The production listener, then the test listener.
    pub listeners: Vec<String>,
    /// Of the target groups blue and green.
    pub groups: [String; 2],
    /// Cluster and name; `None` before it is made.
    pub service: Option<(String, String)>,
}

/// A target group of the two, and its share of the production traffic in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weight {
    /// `blue` or `green`.
    pub group: &'static str,
    /// The target group's ARN.
    pub arn: String,
    pub weight: i32,
}

/// The traffic as it is led now.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    /// The rules that name blue or green, production's first.
    rules: Vec<ForwardingRule>,
    groups: [String; 2],
    /// The group of the task set that serves production.
    primary: Option<&'static str>,
}

impl Traffic {
    /// Asks for the rules of all listeners and for the service, at once.
    pub(crate) async fn read(aws: &Aws, routes: &Routes) -> Result<Self, AwsError> {
        let rules = try_join_all(routes.listeners.iter().map(|listener| aws.forwarding_rules(listener)));
        let primary = async {
            match &routes.service {
                Some((cluster, service)) => aws.primary_task_set(cluster, service).await,
                None => Ok(None),
            }
        };
        let (rules, primary) = tokio::try_join!(rules, primary)?;
        let behind = primary.map(|set| set.target_groups).unwrap_or_default();
        let of_primary = GROUPS.into_iter().zip(&routes.groups).find(|(_, arn)| behind.contains(arn));
        let rules = rules.into_iter().flatten().filter(|rule| names(rule, &routes.groups));
        Ok(Self {
            rules: rules.collect(),
            groups: routes.groups.clone(),
            primary: of_primary.map(|(group, _)| group),
        })
    }

    /// The live target group, `blue` or `green`: that of the primary task set, never a weight that was read. Only where
    /// there is no service is it the one that the rules agree on, behind which a new one has to stand.
    pub(crate) fn live(&self) -> Option<&'static str> {
        self.primary.or_else(|| {
            let led = GROUPS.into_iter().filter(|group| {
                !self.rules.is_empty() && self.rules.iter().all(|rule| self.leads_only_to(rule, group))
            });
            led.into_iter().next()
        })
    }

    /// ARN of the live target group.
    pub(crate) fn live_arn(&self) -> Option<&str> {
        self.live().map(|live| self.arn_of(live))
    }

    /// The rules that do not send everything to the primary task set. While a deployment runs some do not; else none.
    pub(crate) fn astray(&self) -> Vec<&ForwardingRule> {
        let Some(primary) = self.primary else { return Vec::new() };
        self.rules.iter().filter(|rule| !self.leads_only_to(rule, primary)).collect()
    }

    /// What each of the two should get where all goes to the primary task set: target group ARN and percent.
    pub(crate) fn settled(&self) -> Option<[(String, i32); 2]> {
        let primary = self.primary?;
        let share = |group: &str| if group == primary { 100 } else { 0 };
        Some(GROUPS.map(|group| (self.arn_of(group).to_owned(), share(group))))
    }

    /// The name of a target group of the two.
    pub(crate) fn name_of(&self, arn: &str) -> Option<&'static str> {
        GROUPS.into_iter().zip(&self.groups).find(|(_, found)| *found == arn).map(|(group, _)| group)
    }

    fn arn_of(&self, group: &str) -> &str {
        let [blue, green] = &self.groups;
        if group == GROUPS[0] { blue } else { green }
    }

    fn leads_only_to(&self, rule: &ForwardingRule, group: &str) -> bool {
        let arn = self.arn_of(group);
        let weight = |is_it: bool| -> i32 {
            rule.shares.iter().filter(|(found, _)| (found == arn) == is_it).map(|(_, weight)| weight).sum()
        };
        weight(true) > 0 && weight(false) == 0
    }
}

fn names(rule: &ForwardingRule, groups: &[String; 2]) -> bool {
    rule.shares.iter().any(|(arn, _)| groups.contains(arn))
}

/// How a listener shares its traffic among our two target groups, given as the ARNs of blue and green.
pub(super) async fn weights_of(
    aws: &Aws,
    listener: &str,
    groups: [&str; 2],
) -> Result<Vec<Weight>, AwsError> {
    let rules = aws.forwarding_rules(listener).await?;
    let groups = groups.map(str::to_owned);
    let shares = rules.into_iter().find(|rule| names(rule, &groups)).map(|rule| rule.shares);
    let shares = shares.unwrap_or_default();
    let total: i32 = shares.iter().map(|(_, weight)| weight).sum();
    let percent = |arn: &String| {
        let weight = shares.iter().find(|(found, _)| found == arn).map_or(0, |(_, weight)| *weight);
        if total == 0 { 0 } else { weight * 100 / total }
    };
    let of = |(group, arn): (&'static str, String)| Weight { group, weight: percent(&arn), arn };
    Ok(GROUPS.into_iter().zip(groups).map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(primary: Option<&'static str>, rules: &[[i32; 2]]) -> Traffic {
        let groups = GROUPS.map(str::to_owned);
        let rule = |shares: &[i32; 2]| ForwardingRule {
            arn: "rule".to_owned(),
            listener: "listener".to_owned(),
            is_default: false,
            shares: groups.iter().cloned().zip(*shares).collect(),
        };
        Traffic { rules: rules.iter().map(rule).collect(), groups: groups.clone(), primary }
    }

    #[test]
    fn live_is_the_group_of_the_primary_task_set_whatever_the_rules_say() {
        assert_eq!(traffic(Some("green"), &[[100, 0]]).live(), Some("green"));
        assert_eq!(traffic(Some("blue"), &[]).live_arn(), Some("blue"));
        // Without a service it is what the rules agree on.
        assert_eq!(traffic(None, &[[0, 100], [0, 1]]).live(), Some("green"));
        for torn in [&[[0, 100], [100, 0]][..], &[[50, 50]], &[[0, 0]], &[]] {
            assert_eq!(traffic(None, torn).live(), None, "{torn:?}");
        }
    }

    #[test]
    fn a_rule_is_astray_that_does_not_send_everything_to_the_primary_task_set() {
        assert!(traffic(Some("green"), &[[0, 100], [0, 1]]).astray().is_empty());
        assert_eq!(traffic(Some("green"), &[[0, 100], [10, 90], [100, 0]]).astray().len(), 2);
        assert!(traffic(None, &[[10, 90]]).astray().is_empty());
        let settled = traffic(Some("green"), &[[100, 0]]).settled().unwrap();
        assert_eq!(settled, [("blue".to_owned(), 0), ("green".to_owned(), 100)]);
    }
}
