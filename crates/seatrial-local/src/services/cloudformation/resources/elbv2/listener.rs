//! `AWS::ElasticLoadBalancingV2::Listener`.

use serde::Deserialize;
use serde_json::Value;

use super::super::{Attributes, Change, Created, Number, Resource, ResourceContext, answered, told};
use super::actions::ActionProperty;
use super::{call, port};
use crate::error::ServiceError;
use crate::services::elbv2::{self, Action, Certificate};
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

    const READABLE: bool = true;

    async fn read(ctx: &ResourceContext, id: &str, _: Properties) -> Result<Option<Value>, ServiceError> {
        let input = elbv2::DescribeListeners { load_balancer_arn: None, listener_arns: vec![id.to_owned()] };
        let Some(answer) = answered(call(ctx, input).await, "ListenerNotFound")? else { return Ok(None) };
        let names = ["LoadBalancerArn", "Port", "Protocol", "SslPolicy", "Certificates", "DefaultActions"];
        Ok(Some(told(&answer["Listeners"][0], names).into()))
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
