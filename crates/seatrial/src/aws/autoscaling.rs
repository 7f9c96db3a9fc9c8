//! Application Auto Scaling: which scaling activities of a service are suspended.

use seatrial_query::{Place, Protocol, Service};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Aws;
use super::error::AwsError;

const AUTO_SCALING: Service = Service {
    name: "Application Auto Scaling",
    signing_name: "application-autoscaling",
    protocol: Protocol::Json { prefix: "AnyScaleFrontendService" },
    place: Place::Regional,
};

/// Which scaling activities do not happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Suspended {
    /// Those of policies that take tasks away.
    #[serde(rename(deserialize = "DynamicScalingInSuspended"))]
    pub scale_in: bool,
    /// Those of policies that add tasks.
    #[serde(rename(deserialize = "DynamicScalingOutSuspended"))]
    pub scale_out: bool,
    /// Those at a set time.
    #[serde(rename(deserialize = "ScheduledScalingSuspended"))]
    pub scheduled: bool,
}

impl Suspended {
    /// As the API has it, all three named.
    pub(crate) fn members(self) -> Value {
        json!({
            "DynamicScalingInSuspended": self.scale_in,
            "DynamicScalingOutSuspended": self.scale_out,
            "ScheduledScalingSuspended": self.scheduled,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    scalable_targets: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    #[serde(default)]
    suspended_state: Suspended,
}

impl Aws {
    /// What the scalable target of a service suspends; `None` where the service is not scaled.
    pub(crate) async fn suspended(
        &self,
        (cluster, service): (&str, &str),
    ) -> Result<Option<Suspended>, AwsError> {
        let id = resource_id(cluster, service);
        let attempt = || format!("describe the scalable target of service `{service}`");
        let input = json!({
            "ServiceNamespace": "ecs", "ResourceIds": [id], "ScalableDimension": "ecs:service:DesiredCount",
        });
        let call = ("DescribeScalableTargets", input.to_string());
        let answer = self.call_rarely(&AUTO_SCALING, call, attempt).await?;
        let answer: Answer = serde_json::from_str(&answer)
            .map_err(|error| AwsError::here(attempt(), AUTO_SCALING.name, error.to_string()))?;
        Ok(answer.scalable_targets.into_iter().next().map(|target| target.suspended_state))
    }

    /// Sets it; the target's bounds stay as they are (API reference, RegisterScalableTarget: "any parameters that you don't
    /// specify are not changed").
    pub(crate) async fn suspend(
        &self,
        (cluster, service): (&str, &str),
        state: Suspended,
    ) -> Result<(), AwsError> {
        let input = json!({
            "ServiceNamespace": "ecs",
            "ResourceId": resource_id(cluster, service),
            "ScalableDimension": "ecs:service:DesiredCount",
            "SuspendedState": state.members(),
        });
        let attempt = || format!("update the scalable target of service `{service}`");
        let call = ("RegisterScalableTarget", input.to_string());
        self.call_rarely(&AUTO_SCALING, call, attempt).await.map(drop)
    }
}

/// How Application Auto Scaling names a service of ECS.
pub(crate) fn resource_id(cluster: &str, service: &str) -> String {
    format!("service/{cluster}/{service}")
}
