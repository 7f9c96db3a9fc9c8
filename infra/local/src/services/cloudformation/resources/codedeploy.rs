//! Resource types of CodeDeploy.

mod group;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Attributes, Change, Created, Number, Resource, ResourceContext, ResourceTypes};
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::services::codedeploy::{
    CreateApplication, CreateDeploymentConfig, DeleteApplication, DeleteDeploymentConfig,
};
use crate::tags::Tag;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Application>();
    types.add::<DeploymentConfig>();
    types.add::<group::DeploymentGroup>();
}

/// Calls an operation whose input is told as a value.
async fn call<O: Operation>(ctx: &ResourceContext, input: Value) -> Result<O::Output, ServiceError> {
    let input: O = serde_json::from_value(input)
        .map_err(|error| ServiceError::new("InvalidRequest", format!("{error} of {}", ctx.logical_id)))?;
    ctx.cloud.call(&ctx.principal, input).await
}

/// A creation whose first try came through is no failure.
fn unless_made<T>(
    ctx: &ResourceContext,
    exists: &str,
    result: Result<T, ServiceError>,
) -> Result<(), ServiceError> {
    match result {
        Err(error) if !(ctx.retried && error.code == exists) => Err(error),
        _ => Ok(()),
    }
}

fn created(name: String) -> Created {
    Created { physical_id: name, attributes: Attributes::new() }
}

fn tags(ctx: &ResourceContext, own: &[Tag]) -> Value {
    json!(ctx.tag_list::<Tag>(own))
}

struct Application;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApplicationProperties {
    application_name: Option<String>,
    compute_platform: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl Resource for Application {
    const TYPE: &'static str = "AWS::CodeDeploy::Application";
    type Properties = ApplicationProperties;

    async fn create(ctx: &ResourceContext, properties: Self::Properties) -> Result<Created, ServiceError> {
        let name = properties.application_name.unwrap_or_else(|| ctx.generated_name(100));
        let input = json!({
            "applicationName": name,
            "computePlatform": properties.compute_platform.as_deref().unwrap_or("Server"),
            "tags": tags(ctx, &properties.tags),
        });
        let result = call::<CreateApplication>(ctx, input).await;
        unless_made(ctx, "ApplicationAlreadyExistsException", result)?;
        Ok(created(name))
    }

    async fn update(
        _ctx: &ResourceContext,
        _physical_id: &str,
        _change: Change<Self::Properties>,
    ) -> Result<Attributes, ServiceError> {
        Ok(Attributes::new())
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: Self::Properties,
    ) -> Result<(), ServiceError> {
        call::<DeleteApplication>(ctx, json!({ "applicationName": physical_id })).await?;
        Ok(())
    }
}

struct DeploymentConfig;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConfigProperties {
    deployment_config_name: Option<String>,
    compute_platform: Option<String>,
    traffic_routing_config: Option<RoutingProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoutingProperties {
    r#type: String,
    time_based_canary: Option<CanaryProperties>,
    time_based_linear: Option<LinearProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CanaryProperties {
    canary_percentage: Number,
    canary_interval: Number,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LinearProperties {
    linear_percentage: Number,
    linear_interval: Number,
}

impl RoutingProperties {
    fn input(&self) -> Value {
        let mut input = json!({ "type": self.r#type });
        if let Some(canary) = &self.time_based_canary {
            let CanaryProperties { canary_percentage, canary_interval } = canary;
            input["timeBasedCanary"] =
                json!({ "canaryPercentage": canary_percentage.0, "canaryInterval": canary_interval.0 });
        }
        if let Some(linear) = &self.time_based_linear {
            let LinearProperties { linear_percentage, linear_interval } = linear;
            input["timeBasedLinear"] =
                json!({ "linearPercentage": linear_percentage.0, "linearInterval": linear_interval.0 });
        }
        input
    }
}

impl Resource for DeploymentConfig {
    const TYPE: &'static str = "AWS::CodeDeploy::DeploymentConfig";
    type Properties = ConfigProperties;

    async fn create(ctx: &ResourceContext, properties: Self::Properties) -> Result<Created, ServiceError> {
        let name = properties.deployment_config_name.unwrap_or_else(|| ctx.generated_name(100));
        let routing = properties.traffic_routing_config.as_ref().map(RoutingProperties::input);
        let input = json!({
            "deploymentConfigName": name,
            "computePlatform": properties.compute_platform.as_deref().unwrap_or("Server"),
            "trafficRoutingConfig": routing,
        });
        let result = call::<CreateDeploymentConfig>(ctx, input).await;
        unless_made(ctx, "DeploymentConfigAlreadyExistsException", result)?;
        Ok(created(name))
    }

    /// Every property is create-only.
    async fn update(
        _ctx: &ResourceContext,
        _physical_id: &str,
        _change: Change<Self::Properties>,
    ) -> Result<Attributes, ServiceError> {
        Ok(Attributes::new())
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: Self::Properties,
    ) -> Result<(), ServiceError> {
        call::<DeleteDeploymentConfig>(ctx, json!({ "deploymentConfigName": physical_id })).await?;
        Ok(())
    }
}
