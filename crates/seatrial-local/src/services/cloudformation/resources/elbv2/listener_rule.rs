//! `AWS::ElasticLoadBalancingV2::ListenerRule`.

use serde::Deserialize;
use serde_json::Value;

use super::super::{Attributes, Change, Created, Number, Resource, ResourceContext, answered, told};
use super::actions::ActionProperty;
use super::call;
use crate::error::ServiceError;
use crate::services::elbv2::{self, Action, RuleCondition, RulePriority};
use crate::tags;

pub(super) struct ListenerRule;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Properties {
    /// Required at creation (the schema lets it be absent, the resource's page does not).
    #[serde(default)]
    listener_arn: Option<String>,
    priority: Number,
    conditions: Vec<RuleCondition>,
    actions: Vec<ActionProperty>,
}

impl Resource for ListenerRule {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::ListenerRule";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let listener_arn = properties.listener_arn;
        let listener_arn =
            listener_arn.ok_or_else(|| ServiceError::validation("A listener ARN must be specified"))?;
        let input = elbv2::CreateRule {
            listener_arn: listener_arn.clone(),
            priority: properties.priority.0,
            conditions: properties.conditions,
            actions: properties.actions.into_iter().map(Action::from).collect(),
            tags: tags::list(ctx.tags.clone()),
        };
        let found = match call(ctx, input).await {
            // An earlier try has made it: nobody else may hold the priority.
            Err(error) if ctx.retried && error.code == "PriorityInUse" => {
                let input = elbv2::DescribeRules { listener_arn: Some(listener_arn), rule_arns: Vec::new() };
                let priority = properties.priority.0.to_string();
                call(ctx, input).await?.rules.into_iter().find(|rule| rule.priority == priority)
            }
            made => made?.rules.pop(),
        };
        let made = found.ok_or_else(|| ServiceError::internal("a rule was made but not shown"))?;
        ctx.initiated(&made.rule_arn);
        Ok(Created { attributes: shown(&made.rule_arn), physical_id: made.rule_arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        Change { old, new }: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        if old.priority.0 != new.priority.0 {
            let rule_priorities =
                vec![RulePriority { rule_arn: physical_id.to_owned(), priority: new.priority.0 }];
            call(ctx, elbv2::SetRulePriorities { rule_priorities }).await?;
        }
        let input = elbv2::ModifyRule {
            rule_arn: physical_id.to_owned(),
            conditions: Some(new.conditions),
            actions: Some(new.actions.into_iter().map(Action::from).collect()),
        };
        call(ctx, input).await?;
        Ok(shown(physical_id))
    }

    const READABLE: bool = true;

    async fn read(ctx: &ResourceContext, id: &str, _: Properties) -> Result<Option<Value>, ServiceError> {
        let input = elbv2::DescribeRules { listener_arn: None, rule_arns: vec![id.to_owned()] };
        let Some(answer) = answered(call(ctx, input).await, "RuleNotFound")? else { return Ok(None) };
        // Its listener is in its ARN only.
        Ok(Some(told(&answer["Rules"][0], ["Priority", "Conditions", "Actions"]).into()))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        match call(ctx, elbv2::DeleteRule { rule_arn: physical_id.to_owned() }).await {
            Err(error) if error.code != "RuleNotFound" => Err(error),
            _ => Ok(()),
        }
    }
}

fn shown(arn: &str) -> Attributes {
    [("RuleArn".to_owned(), Value::from(arn)), ("IsDefault".to_owned(), Value::from(false))]
        .into_iter()
        .collect()
}
