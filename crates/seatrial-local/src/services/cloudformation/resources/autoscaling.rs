//! Resource types of Application Auto Scaling.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Number, Resource, ResourceContext, ResourceTypes, answered, attributes,
    gone, told,
};
use crate::error::ServiceError;
use crate::services::autoscaling::{
    DeleteScalingPolicy, DeregisterScalableTarget, DescribeScalableTargets, DescribeScalingPolicies,
    PutScalingPolicy, RegisterScalableTarget, SuspendedState, TargetId, target_arn,
};

const MISSING: &str = "ObjectNotFoundException";

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<ScalableTarget>();
    types.add::<ScalingPolicy>();
}

struct ScalableTarget;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TargetProperties {
    #[serde(flatten)]
    id: TargetId,
    min_capacity: Number,
    max_capacity: Number,
    suspended_state: Option<SuspendedState>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
}

/// `Ref` of a target: `RESOURCE|DIMENSION|NAMESPACE`.
fn reference(id: &TargetId) -> String {
    format!("{}|{}|{}", id.resource_id, id.scalable_dimension, id.service_namespace)
}

fn parse_reference(text: &str) -> TargetId {
    let mut parts = text.split('|').map(str::to_owned);
    TargetId {
        resource_id: parts.next().unwrap_or_default(),
        scalable_dimension: parts.next().unwrap_or_default(),
        service_namespace: parts.next().unwrap_or_default(),
    }
}

async fn register_target(
    ctx: &ResourceContext,
    properties: TargetProperties,
) -> Result<Attributes, ServiceError> {
    let id = properties.id.clone();
    let input = RegisterScalableTarget {
        id: properties.id,
        min_capacity: Some(properties.min_capacity.0),
        max_capacity: Some(properties.max_capacity.0),
        // Without one the target's own stays: it may be suspended by hand.
        suspended_state: properties.suspended_state,
        role_arn: properties.role_arn,
        tags: None,
    };
    ctx.cloud.call(&ctx.principal, input).await?;
    let arn = json!(target_arn(&ctx.cloud, &id));
    Ok(attributes([("Id", json!(reference(&id))), ("ScalableTargetARN", arn)]))
}

impl Resource for ScalableTarget {
    const TYPE: &'static str = "AWS::ApplicationAutoScaling::ScalableTarget";
    type Properties = TargetProperties;

    async fn create(ctx: &ResourceContext, properties: TargetProperties) -> Result<Created, ServiceError> {
        let physical_id = reference(&properties.id);
        Ok(Created { physical_id, attributes: register_target(ctx, properties).await? })
    }

    async fn update(
        ctx: &ResourceContext,
        _physical_id: &str,
        change: Change<TargetProperties>,
    ) -> Result<Attributes, ServiceError> {
        register_target(ctx, change.new).await
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: TargetProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let id = parse_reference(id);
        let input = DescribeScalableTargets {
            service_namespace: id.service_namespace.clone(),
            resource_ids: vec![id.resource_id.clone()],
            scalable_dimension: None,
        };
        let found = serde_json::to_value(ctx.cloud.call(&ctx.principal, input).await?).unwrap_or_default();
        let all = found["ScalableTargets"].as_array().into_iter().flatten();
        let target = all.into_iter().find(|one| one["ScalableDimension"] == id.scalable_dimension.as_str());
        Ok(target.map(|target| told(target, SHOWN_OF_TARGET).into()))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        let arn = json!(target_arn(&ctx.cloud, &parse_reference(id)));
        Ok(attributes([("Id", json!(id)), ("ScalableTargetARN", arn)]))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: TargetProperties,
    ) -> Result<(), ServiceError> {
        let input = DeregisterScalableTarget { id: parse_reference(physical_id) };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)
    }
}

/// What is shown of a target as the template writes it.
const SHOWN_OF_TARGET: [&str; 6] =
    ["ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "SuspendedState"];

/// What is shown of a policy as the template writes it.
const SHOWN_OF_POLICY: [&str; 7] = [
    "PolicyName",
    "PolicyType",
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "TargetTrackingScalingPolicyConfiguration",
    "StepScalingPolicyConfiguration",
];

struct ScalingPolicy;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PolicyProperties {
    policy_name: String,
    policy_type: Option<String>,
    /// Instead of the three members of `id`.
    scaling_target_id: Option<String>,
    #[serde(flatten)]
    id: TargetId,
    target_tracking_scaling_policy_configuration: Option<Value>,
    step_scaling_policy_configuration: Option<Value>,
}

impl PolicyProperties {
    fn target(&self) -> TargetId {
        self.scaling_target_id.as_deref().map_or_else(|| self.id.clone(), parse_reference)
    }
}

async fn put_policy(ctx: &ResourceContext, properties: PolicyProperties) -> Result<String, ServiceError> {
    let input = PutScalingPolicy {
        id: properties.target(),
        policy_name: properties.policy_name,
        policy_type: properties.policy_type,
        target_tracking_scaling_policy_configuration: properties.target_tracking_scaling_policy_configuration,
        step_scaling_policy_configuration: properties.step_scaling_policy_configuration,
    };
    Ok(ctx.cloud.call(&ctx.principal, input).await?.arn)
}

impl Resource for ScalingPolicy {
    const TYPE: &'static str = "AWS::ApplicationAutoScaling::ScalingPolicy";
    type Properties = PolicyProperties;

    async fn create(ctx: &ResourceContext, properties: PolicyProperties) -> Result<Created, ServiceError> {
        let arn = put_policy(ctx, properties).await?;
        Ok(Created { attributes: attributes([("Arn", json!(arn))]), physical_id: arn })
    }

    async fn update(
        ctx: &ResourceContext,
        _physical_id: &str,
        change: Change<PolicyProperties>,
    ) -> Result<Attributes, ServiceError> {
        let arn = put_policy(ctx, change.new).await?;
        Ok(attributes([("Arn", json!(arn))]))
    }

    const READABLE: bool = true;

    /// One of the same name that was made again has another ARN. `ScalingTargetId` is never shown (its schema:
    /// write-only).
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: PolicyProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let target = properties.target();
        let input = DescribeScalingPolicies {
            service_namespace: target.service_namespace,
            resource_id: Some(target.resource_id),
            policy_names: vec![properties.policy_name],
        };
        let found = ctx.cloud.call(&ctx.principal, input).await;
        let answer = answered(found, MISSING)?.unwrap_or_default();
        let all = answer["ScalingPolicies"].as_array().into_iter().flatten();
        let policy = all.into_iter().find(|one| one["PolicyARN"] == id);
        Ok(policy.map(|policy| told(policy, SHOWN_OF_POLICY).into()))
    }

    const IMPORTABLE: bool = true;

    const KNOWN_BY: Option<&'static str> = Some("Arn");

    async fn attributes(_ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        Ok(attributes([("Arn", json!(id))]))
    }

    async fn delete(
        ctx: &ResourceContext,
        _physical_id: &str,
        properties: PolicyProperties,
    ) -> Result<(), ServiceError> {
        let id = properties.target();
        let input = DeleteScalingPolicy { policy_name: properties.policy_name, id };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)
    }
}
