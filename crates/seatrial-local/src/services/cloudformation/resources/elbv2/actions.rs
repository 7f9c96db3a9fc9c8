//! The actions of listeners and rules, as templates write them.

use serde::Deserialize;

use super::super::{Flag, Number};
use crate::services::elbv2::{
    Action, FixedResponseConfig, ForwardConfig, RedirectConfig, Stickiness, WeightedTargetGroup,
};

/// An [`Action`] whose numbers may come as text.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ActionProperty {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    order: Option<Number>,
    #[serde(default)]
    target_group_arn: Option<String>,
    #[serde(default)]
    forward_config: Option<ForwardProperty>,
    #[serde(default)]
    redirect_config: Option<RedirectConfig>,
    #[serde(default)]
    fixed_response_config: Option<FixedResponseConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ForwardProperty {
    #[serde(default)]
    target_groups: Vec<WeightedProperty>,
    #[serde(default)]
    target_group_stickiness_config: Option<StickinessProperty>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WeightedProperty {
    target_group_arn: String,
    #[serde(default)]
    weight: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StickinessProperty {
    #[serde(default)]
    enabled: Flag,
    #[serde(default)]
    duration_seconds: Option<Number>,
}

impl From<ActionProperty> for Action {
    fn from(given: ActionProperty) -> Self {
        let weighted = |group: WeightedProperty| WeightedTargetGroup {
            target_group_arn: group.target_group_arn,
            weight: group.weight.map(|number| number.0),
        };
        let sticky = |given: StickinessProperty| Stickiness {
            enabled: given.enabled.0,
            duration_seconds: given.duration_seconds.map(|number| number.0),
        };
        let forward = |given: ForwardProperty| ForwardConfig {
            target_groups: given.target_groups.into_iter().map(weighted).collect(),
            target_group_stickiness_config: given.target_group_stickiness_config.map(sticky),
        };
        Self {
            kind: given.kind,
            order: given.order.map(|number| number.0),
            target_group_arn: given.target_group_arn,
            forward_config: given.forward_config.map(forward),
            redirect_config: given.redirect_config,
            fixed_response_config: given.fixed_response_config,
        }
    }
}
