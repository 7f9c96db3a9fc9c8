//! `AWS::ElasticLoadBalancingV2::TargetGroup`. `Targets` are ECS's to register.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Flag, Number, Resource, ResourceContext, answered, attributes, told,
};
use super::{AttributeProperty, call, named_attributes, named_tags, port, retag, set_attributes};
use crate::error::ServiceError;
use crate::services::elbv2::{self, Attribute, HealthCheckSettings, Matcher};
use crate::tags::Tag;

pub(super) struct TargetGroup;

const HEALTH_CHECK: [&str; 8] = [
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckEnabled",
    "HealthCheckPath",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Properties {
    name: Option<String>,
    protocol: Option<String>,
    protocol_version: Option<String>,
    port: Option<Number>,
    vpc_id: Option<String>,
    target_type: Option<String>,
    #[serde(flatten)]
    health_check: HealthCheck,
    target_group_attributes: Vec<AttributeProperty>,
    tags: Vec<Tag>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HealthCheck {
    health_check_protocol: Option<String>,
    #[serde(deserialize_with = "optional_text")]
    health_check_port: Option<String>,
    health_check_enabled: Option<Flag>,
    health_check_path: Option<String>,
    health_check_interval_seconds: Option<Number>,
    health_check_timeout_seconds: Option<Number>,
    healthy_threshold_count: Option<Number>,
    unhealthy_threshold_count: Option<Number>,
    matcher: Option<MatcherProperty>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MatcherProperty {
    #[serde(deserialize_with = "super::text")]
    http_code: String,
}

fn optional_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    super::text(deserializer).map(Some)
}

impl From<HealthCheck> for HealthCheckSettings {
    fn from(given: HealthCheck) -> Self {
        Self {
            health_check_protocol: given.health_check_protocol,
            health_check_port: given.health_check_port,
            health_check_enabled: given.health_check_enabled.map(|flag| flag.0),
            health_check_path: given.health_check_path,
            health_check_interval_seconds: given.health_check_interval_seconds.map(|number| number.0),
            health_check_timeout_seconds: given.health_check_timeout_seconds.map(|number| number.0),
            healthy_threshold_count: given.healthy_threshold_count.map(|number| number.0),
            unhealthy_threshold_count: given.unhealthy_threshold_count.map(|number| number.0),
            matcher: given.matcher.map(|matcher| Matcher { http_code: matcher.http_code }),
        }
    }
}

impl Resource for TargetGroup {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::TargetGroup";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let input = elbv2::CreateTargetGroup {
            name: properties.name.unwrap_or_else(|| ctx.generated_name(32)),
            protocol: properties.protocol,
            protocol_version: properties.protocol_version,
            port: properties.port.map(port).transpose()?,
            vpc_id: properties.vpc_id,
            target_type: properties.target_type,
            tags: ctx.tag_list(&properties.tags),
            health_check: properties.health_check.into(),
        };
        let made = call(ctx, input).await?.target_groups.pop();
        let made = made.ok_or_else(|| ServiceError::internal("a target group was made but not shown"))?;
        ctx.initiated(&made.target_group_arn);
        set_attributes(ctx, properties.target_group_attributes, modify(&made.target_group_arn)).await?;
        Ok(Created { attributes: shown(&made), physical_id: made.target_group_arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        Change { old, new }: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let target_group_arn = physical_id.to_owned();
        let health_check = new.health_check.into();
        let mut changed =
            call(ctx, elbv2::ModifyTargetGroup { target_group_arn, health_check }).await?.target_groups;
        if new.target_group_attributes != old.target_group_attributes {
            set_attributes(ctx, new.target_group_attributes, modify(physical_id)).await?;
        }
        retag(ctx, physical_id, (&old.tags, &new.tags)).await?;
        Ok(changed.pop().as_ref().map(shown).unwrap_or_default())
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: Properties,
    ) -> Result<Option<Value>, ServiceError> {
        let arns = vec![id.to_owned()];
        let input = elbv2::DescribeTargetGroups { target_group_arns: arns, ..Default::default() };
        let Some(answer) = answered(call(ctx, input).await, "TargetGroupNotFound")? else { return Ok(None) };
        let shown = &answer["TargetGroups"][0];
        let mut read = told(shown, HEALTH_CHECK);
        read.extend(told(shown, ["Protocol", "Port", "VpcId", "ProtocolVersion", "TargetType", "Matcher"]));
        read.insert("Name".to_owned(), shown["TargetGroupName"].clone());
        let attributes = elbv2::DescribeTargetGroupAttributes { target_group_arn: id.to_owned() };
        let attributes = call(ctx, attributes).await?.attributes;
        let named = named_attributes(&properties.target_group_attributes, attributes);
        read.insert("TargetGroupAttributes".to_owned(), named);
        read.insert("Tags".to_owned(), named_tags(ctx, id, &properties.tags).await?);
        Ok(Some(read.into()))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        call(ctx, elbv2::DeleteTargetGroup { target_group_arn: physical_id.to_owned() }).await?;
        Ok(())
    }
}

/// What sets the attributes of `arn`.
fn modify(arn: &str) -> impl FnOnce(Vec<Attribute>) -> elbv2::ModifyTargetGroupAttributes {
    let target_group_arn = arn.to_owned();
    move |attributes| elbv2::ModifyTargetGroupAttributes { target_group_arn, attributes }
}

fn shown(group: &elbv2::TargetGroup) -> Attributes {
    let arn = &group.target_group_arn;
    let full_name = arn.rsplit(':').next().unwrap_or_default();
    attributes([
        ("TargetGroupArn", json!(arn)),
        ("TargetGroupFullName", json!(full_name)),
        ("TargetGroupName", json!(group.target_group_name)),
        ("LoadBalancerArns", json!(group.load_balancer_arns)),
    ])
}
