//! How a new revision takes the place of the old one: a rollout. CodeDeploy does it today; who follows a release
//! knows only what is said here.

mod codedeploy;

use std::future::Future;

use jiff::Timestamp;
use serde::Serialize;

use crate::aws::status::Progress;
use crate::aws::{Aws, AwsError, TrafficShare};

pub(crate) use codedeploy::CodeDeploy;

/// Which rollout: opaque to all but who gave it out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct RolloutId(pub String);

impl std::fmt::Display for RolloutId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rollout as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Rollout {
    pub id: RolloutId,
    pub progress: Progress,
    /// As AWS spells it.
    pub status: String,
    /// When it came to stand so, as far as AWS says.
    pub time: Option<Timestamp>,
    /// `CODE: message` where it failed.
    pub error: Option<String>,
    /// The rollout that puts the old revision back, where one does.
    pub rolled_back_by: Option<RolloutId>,
    pub rollback_message: Option<String>,
    pub steps: Vec<RolloutStep>,
    pub traffic: Vec<TrafficShare>,
}

/// One step of a rollout: a lifecycle event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolloutStep {
    pub name: String,
    /// As AWS spells it.
    pub status: String,
    /// `None` before its turn.
    pub progress: Option<Progress>,
    pub time: Option<Timestamp>,
    pub diagnostics: Option<String>,
}

/// A target group of the two, and its weight in the production listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weight {
    /// `blue` or `green`.
    pub group: &'static str,
    /// The target group's ARN.
    pub arn: String,
    pub weight: i32,
}

/// The group that has the traffic, `blue` or `green`; `None` if neither has more.
pub(crate) fn live(weights: &[Weight]) -> Option<&'static str> {
    let most = weights.iter().max_by_key(|one| one.weight)?;
    let others = weights.iter().filter(|one| one.group != most.group);
    others.map(|one| one.weight).all(|weight| weight < most.weight).then_some(most.group)
}

/// How a listener weighs our two target groups, given as the ARNs of blue and green.
pub(crate) async fn weights_of(
    aws: &Aws,
    listener: &str,
    [blue, green]: [&str; 2],
) -> Result<Vec<Weight>, AwsError> {
    let weights = aws.listener_weights(listener).await?;
    let of = |(group, arn): (&'static str, &str)| Weight {
        group,
        arn: arn.to_owned(),
        weight: weights.iter().find(|(found, _)| found == arn).map_or(0, |(_, weight)| *weight),
    };
    Ok([("blue", blue), ("green", green)].map(of).into())
}

/// Who rolls out.
pub(crate) trait Strategy: Sync {
    /// The provider of the pipeline's action that starts a rollout, as AWS spells it.
    const PROVIDER: &'static str;

    /// A rollout as it stands now.
    fn look(&self, id: &RolloutId) -> impl Future<Output = Result<Rollout, AwsError>> + Send;

    /// The newest rollout; `None` before the first.
    fn newest(&self) -> impl Future<Output = Result<Option<RolloutId>, AwsError>> + Send;

    /// Where the production traffic goes.
    fn weights(&self) -> impl Future<Output = Result<Vec<Weight>, AwsError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_greatest_weight_is_live() {
        let weights = |blue, green| {
            [("blue", blue), ("green", green)].map(|(group, weight)| Weight {
                group,
                arn: group.to_owned(),
                weight,
            })
        };
        assert_eq!(live(&weights(0, 100)), Some("green"));
        assert_eq!(live(&weights(90, 10)), Some("blue"));
        assert_eq!(live(&weights(0, 0)), None);
    }
}
