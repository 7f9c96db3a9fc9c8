//! Elastic Load Balancing: target health and the weights of a listener.

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "Elastic Load Balancing";

/// One target of a target group.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct TargetHealth {
    /// `ip:port`.
    pub target: String,
    /// healthy, initial, unhealthy, draining, unused, unavailable.
    pub state: String,
    /// `Target.FailedHealthChecks`, …
    pub reason: Option<String>,
    pub description: Option<String>,
}

impl Aws {
    pub(crate) async fn target_health(&self, target_group: &str) -> Result<Vec<TargetHealth>, AwsError> {
        let answer = self
            .elasticloadbalancingv2()
            .describe_target_health()
            .target_group_arn(target_group)
            .send()
            .await;
        let answer =
            answer.attempt(SERVICE, || format!("describe the health of target group `{target_group}`"))?;
        let health = answer.target_health_descriptions.unwrap_or_default().into_iter().map(|description| {
            let target = description.target;
            let health = description.target_health;
            TargetHealth {
                target: target
                    .map(|t| format!("{}:{}", t.id.unwrap_or_default(), t.port.unwrap_or_default()))
                    .unwrap_or_default(),
                state: health
                    .as_ref()
                    .and_then(|h| h.state.as_ref())
                    .map(|state| state.as_str().to_owned())
                    .unwrap_or_default(),
                reason: health.as_ref().and_then(|h| h.reason.as_ref()).map(|r| r.as_str().to_owned()),
                description: health.and_then(|h| h.description),
            }
        });
        Ok(health.collect())
    }

    /// The default action's weights of a listener: target group ARN and weight.
    pub(crate) async fn listener_weights(&self, listener: &str) -> Result<Vec<(String, i32)>, AwsError> {
        let answer = self.elasticloadbalancingv2().describe_listeners().listener_arns(listener).send().await;
        let answer = answer.attempt(SERVICE, || format!("describe listener `{listener}`"))?;
        let actions = answer
            .listeners
            .unwrap_or_default()
            .into_iter()
            .flat_map(|l| l.default_actions.unwrap_or_default());
        let groups = actions
            .filter_map(|action| action.forward_config)
            .flat_map(|f| f.target_groups.unwrap_or_default());
        Ok(groups.filter_map(|g| Some((g.target_group_arn?, g.weight.unwrap_or(1)))).collect())
    }
}
