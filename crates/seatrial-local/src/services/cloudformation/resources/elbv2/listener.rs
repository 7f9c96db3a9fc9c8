//! `AWS::ElasticLoadBalancingV2::Listener`.

use serde::Deserialize;
use serde_json::Value;

use super::super::{Attributes, Change, Created, Flag, Number, Resource, ResourceContext};
use super::{call, port};
use crate::error::ServiceError;
use crate::services::elbv2::{
    self, Action, Certificate, FixedResponseConfig, ForwardConfig, RedirectConfig, Stickiness,
    WeightedTargetGroup,
};
use crate::tags;

pub(super) struct Listener;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Properties {
    load_balancer_arn: String,
    #[serde(default)]
    port: Option<Number>,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    ssl_policy: Option<String>,
    #[serde(default)]
    certificates: Vec<Certificate>,
    default_actions: Vec<ActionProperty>,
}

/// An [`Action`] whose numbers may come as text.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ActionProperty {
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

impl Resource for Listener {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::Listener";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let input = elbv2::CreateListener {
            load_balancer_arn: properties.load_balancer_arn,
            protocol: properties.protocol,
            port: properties.port.map(port).transpose()?,
            ssl_policy: properties.ssl_policy,
            certificates: properties.certificates,
            default_actions: properties.default_actions.into_iter().map(Action::from).collect(),
            tags: tags::list(ctx.tags.clone()),
        };
        let made = call(ctx, input).await?.listeners.pop();
        let made = made.ok_or_else(|| ServiceError::internal("a listener was made but not shown"))?;
        ctx.initiated(&made.listener_arn);
        Ok(Created { attributes: shown(&made.listener_arn), physical_id: made.listener_arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        Change { new, .. }: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let input = elbv2::ModifyListener {
            listener_arn: physical_id.to_owned(),
            port: new.port.map(port).transpose()?,
            protocol: new.protocol,
            ssl_policy: new.ssl_policy,
            certificates: Some(new.certificates),
            default_actions: Some(new.default_actions.into_iter().map(Action::from).collect()),
        };
        call(ctx, input).await?;
        Ok(shown(physical_id))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        match call(ctx, elbv2::DeleteListener { listener_arn: physical_id.to_owned() }).await {
            Err(error) if error.code != "ListenerNotFound" => Err(error),
            _ => Ok(()),
        }
    }
}

fn shown(arn: &str) -> Attributes {
    [("ListenerArn".to_owned(), Value::from(arn))].into_iter().collect()
}
