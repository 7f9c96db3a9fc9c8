//! Listeners and the shares of their traffic.

use super::turn::{Trouble, Turn};
use crate::services::codedeploy::deployment::TargetGroup;
use crate::services::elbv2::{
    Action, DescribeListeners, ForwardConfig, Listener, ModifyListener, WeightedTargetGroup,
};

/// The default action of a listener, as a forward by weights.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic(Vec<WeightedTargetGroup>);

fn weight(share: &WeightedTargetGroup) -> i64 {
    share.weight.unwrap_or(1)
}

impl Traffic {
    /// Reads the first listener of an answer.
    fn of(listeners: Vec<Listener>) -> Self {
        let listener = listeners.into_iter().next();
        let Some(action) = listener.and_then(|listener| listener.default_actions.into_iter().next()) else {
            return Self::default();
        };
        match (action.forward_config, action.target_group_arn) {
            (Some(config), _) => Self(config.target_groups),
            (None, Some(target_group_arn)) => {
                Self(vec![WeightedTargetGroup { target_group_arn, weight: None }])
            }
            (None, None) => Self::default(),
        }
    }

    /// A target group's share in percent.
    pub(super) fn percent(&self, target_group: &str) -> f64 {
        let total: i64 = self.0.iter().map(weight).sum();
        let own: i64 = self.0.iter().filter(|share| share.target_group_arn == target_group).map(weight).sum();
        if total == 0 { 0.0 } else { own as f64 * 100.0 / total as f64 }
    }

    /// The target group with the greatest share.
    pub(super) fn live(&self) -> Option<&str> {
        let heaviest = self.0.iter().max_by_key(|share| weight(share));
        heaviest.map(|share| share.target_group_arn.as_str())
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

    pub(super) async fn traffic(&self, listener: &str) -> Result<Traffic, Trouble> {
        let input =
            DescribeListeners { listener_arns: vec![listener.to_owned()], ..DescribeListeners::default() };
        Ok(Traffic::of(self.elb(input).await?.listeners))
    }

    /// Gives the whole traffic of `listener` to two groups by weights that make 100. Both stay on the
    /// listener, also the one without weight, as AWS leaves them.
    pub(super) async fn route(
        &self,
        listener: &str,
        shares: [(&TargetGroup, i64); 2],
    ) -> Result<Traffic, Trouble> {
        let share = |(group, weight): (&TargetGroup, i64)| WeightedTargetGroup {
            target_group_arn: group.arn.clone(),
            weight: Some(weight),
        };
        let config = ForwardConfig { target_groups: shares.map(share).into(), ..ForwardConfig::default() };
        let action = Action { kind: "forward".to_owned(), forward_config: Some(config), ..Action::default() };
        let input = ModifyListener {
            listener_arn: listener.to_owned(),
            default_actions: Some(vec![action]),
            ..ModifyListener::default()
        };
        Ok(Traffic::of(self.elb(input).await?.listeners))
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

    #[test]
    fn the_live_target_group_is_the_one_with_the_weight() {
        let share = |(arn, weight): (&str, i64)| WeightedTargetGroup {
            target_group_arn: arn.to_owned(),
            weight: Some(weight),
        };
        let target_groups = [("blue", 0), ("green", 50)].map(share).into();
        let config = ForwardConfig { target_groups, ..ForwardConfig::default() };
        let action = Action { forward_config: Some(config), ..Action::default() };

        let traffic = Traffic::of(vec![Listener { default_actions: vec![action], ..Listener::default() }]);

        assert_eq!(traffic.live(), Some("green"));
        assert_eq!((traffic.percent("blue"), traffic.percent("green")), (0.0, 100.0));
    }
}
