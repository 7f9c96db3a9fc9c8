//! Listeners and the shares of their traffic.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Trouble, Turn};
use crate::error::ServiceError;
use crate::services::codedeploy::deployment::TargetGroup;

/// The default action of a listener, as a forward by weights.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic(Vec<Share>);

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Share {
    target_group_arn: String,
    #[serde(default = "one")]
    weight: i64,
}

fn one() -> i64 {
    1
}

impl Traffic {
    /// Reads the first listener of an answer.
    fn read(answer: &Value) -> Result<Self, ServiceError> {
        let action = answer.pointer("/Listeners/0/DefaultActions/0").cloned().unwrap_or_default();
        let shares = action.pointer("/ForwardConfig/TargetGroups").cloned();
        let single = action.get("TargetGroupArn").and_then(Value::as_str);
        match (shares, single) {
            (Some(shares), _) => serde_json::from_value(shares)
                .map(Self)
                .map_err(|error| ServiceError::internal(format!("a listener's default action: {error}"))),
            (None, Some(arn)) => Ok(Self(vec![Share { target_group_arn: arn.to_owned(), weight: 1 }])),
            (None, None) => Ok(Self::default()),
        }
    }

    /// A target group's share in percent.
    pub(super) fn percent(&self, target_group: &str) -> f64 {
        let total: i64 = self.0.iter().map(|share| share.weight).sum();
        let own: i64 = self
            .0
            .iter()
            .filter(|share| share.target_group_arn == target_group)
            .map(|share| share.weight)
            .sum();
        if total == 0 { 0.0 } else { own as f64 * 100.0 / total as f64 }
    }

    /// The target group with the greatest share.
    pub(super) fn live(&self) -> Option<&str> {
        let heaviest = self.0.iter().max_by_key(|share| share.weight);
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
        let answer = self.elb("DescribeListeners", json!({ "ListenerArns": [listener] })).await?;
        Traffic::read(&answer).map_err(Trouble::Passing)
    }

    /// Gives the whole traffic of `listener` to two groups by weights that make 100. Both stay on the
    /// listener, also the one without weight, as AWS leaves them.
    pub(super) async fn route(
        &self,
        listener: &str,
        shares: [(&TargetGroup, i64); 2],
    ) -> Result<Traffic, Trouble> {
        let groups = shares.map(|(group, weight)| json!({ "TargetGroupArn": group.arn, "Weight": weight }));
        let action = json!({ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } });
        let input = json!({ "ListenerArn": listener, "DefaultActions": [action] });
        let answer = self.elb("ModifyListener", input).await?;
        Traffic::read(&answer).map_err(Trouble::Passing)
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
        let answer = json!({ "Listeners": [{ "DefaultActions": [{ "Type": "forward", "ForwardConfig": {
            "TargetGroups": [
                { "TargetGroupArn": "blue", "Weight": 0 }, { "TargetGroupArn": "green", "Weight": 50 },
            ],
        } }] }] });

        let traffic = Traffic::read(&answer).unwrap();

        assert_eq!(traffic.live(), Some("green"));
        assert_eq!((traffic.percent("blue"), traffic.percent("green")), (0.0, 100.0));
    }
}
