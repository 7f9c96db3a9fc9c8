//! `AWS::ElasticLoadBalancingV2::LoadBalancer`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Attributes, Change, Created, Resource, ResourceContext, answered, attributes, told};
use super::{AttributeProperty, call, named_attributes, named_tags, retag, set_attributes};
use crate::error::ServiceError;
use crate::services::elbv2::{self, Attribute};
use crate::tags::Tag;

pub(super) struct LoadBalancer;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
pub(super) struct Properties {
    name: Option<String>,
    subnets: Vec<String>,
    security_groups: Vec<String>,
    scheme: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    ip_address_type: Option<String>,
    load_balancer_attributes: Vec<AttributeProperty>,
    tags: Vec<Tag>,
}

impl Resource for LoadBalancer {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let input = elbv2::CreateLoadBalancer {
            name: properties.name.unwrap_or_else(|| ctx.generated_name(32)),
            subnets: properties.subnets,
            subnet_mappings: Vec::new(),
            security_groups: properties.security_groups,
            scheme: properties.scheme,
            kind: properties.kind,
            ip_address_type: properties.ip_address_type,
            tags: ctx.tag_list(&properties.tags),
        };
        let made = call(ctx, input).await?.load_balancers.pop();
        let made = made.ok_or_else(|| ServiceError::internal("a load balancer was made but not shown"))?;
        ctx.initiated(&made.load_balancer_arn);
        set_attributes(ctx, properties.load_balancer_attributes, modify(&made.load_balancer_arn)).await?;
        Ok(Created { attributes: shown(&made), physical_id: made.load_balancer_arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        Change { old, new }: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let load_balancer_arn = physical_id.to_owned();
        if new.security_groups != old.security_groups {
            let security_groups = new.security_groups;
            let load_balancer_arn = load_balancer_arn.clone();
            call(ctx, elbv2::SetSecurityGroups { load_balancer_arn, security_groups }).await?;
        }
        if new.subnets != old.subnets {
            let load_balancer_arn = load_balancer_arn.clone();
            let subnet_mappings = Vec::new();
            call(ctx, elbv2::SetSubnets { load_balancer_arn, subnets: new.subnets, subnet_mappings }).await?;
        }
        if new.load_balancer_attributes != old.load_balancer_attributes {
            set_attributes(ctx, new.load_balancer_attributes, modify(physical_id)).await?;
        }
        retag(ctx, physical_id, (&old.tags, &new.tags)).await?;
        let input =
            elbv2::DescribeLoadBalancers { load_balancer_arns: vec![load_balancer_arn], names: vec![] };
        let found = call(ctx, input).await?.load_balancers.pop();
        Ok(found.as_ref().map(shown).unwrap_or_default())
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: Properties,
    ) -> Result<Option<Value>, ServiceError> {
        let arns = vec![id.to_owned()];
        let input = elbv2::DescribeLoadBalancers { load_balancer_arns: arns, ..Default::default() };
        let Some(answer) = answered(call(ctx, input).await, "LoadBalancerNotFound")? else {
            return Ok(None);
        };
        let shown = &answer["LoadBalancers"][0];
        let mut read = told(shown, ["Scheme", "Type", "IpAddressType", "SecurityGroups"]);
        read.insert("Name".to_owned(), shown["LoadBalancerName"].clone());
        let zones = shown["AvailabilityZones"].as_array().into_iter().flatten();
        read.insert("Subnets".to_owned(), zones.map(|zone| zone["SubnetId"].clone()).collect());
        let attributes = elbv2::DescribeLoadBalancerAttributes { load_balancer_arn: id.to_owned() };
        let attributes = call(ctx, attributes).await?.attributes;
        let named = named_attributes(&properties.load_balancer_attributes, attributes);
        read.insert("LoadBalancerAttributes".to_owned(), named);
        read.insert("Tags".to_owned(), named_tags(ctx, id, &properties.tags).await?);
        Ok(Some(read.into()))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        call(ctx, elbv2::DeleteLoadBalancer { load_balancer_arn: physical_id.to_owned() }).await?;
        Ok(())
    }
}

/// What sets the attributes of `arn`.
fn modify(arn: &str) -> impl FnOnce(Vec<Attribute>) -> elbv2::ModifyLoadBalancerAttributes {
    let load_balancer_arn = arn.to_owned();
    move |attributes| elbv2::ModifyLoadBalancerAttributes { load_balancer_arn, attributes }
}

fn shown(load_balancer: &elbv2::LoadBalancer) -> Attributes {
    let arn = &load_balancer.load_balancer_arn;
    let full_name = arn.split_once(":loadbalancer/").map_or("", |(_, name)| name);
    attributes([
        ("LoadBalancerArn", json!(arn)),
        ("DNSName", json!(load_balancer.dns_name)),
        ("CanonicalHostedZoneID", json!(load_balancer.canonical_hosted_zone_id)),
        ("LoadBalancerFullName", json!(full_name)),
        ("LoadBalancerName", json!(load_balancer.load_balancer_name)),
        ("SecurityGroups", json!(load_balancer.security_groups)),
    ])
}
