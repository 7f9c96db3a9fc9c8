//! Resource types of CodeDeploy.

mod group;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Attributes, Created, Number, Resource, ResourceContext, ResourceTypes, answered, capitalized, told,
};
use crate::error::ServiceError;
use crate::services::codedeploy::{
    Canary, CreateApplication, CreateDeploymentConfig, DeleteApplication, DeleteDeploymentConfig,
    GetApplication, GetDeploymentConfig, Linear, Routing,
};
use crate::tags::Tag;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Application>();
    types.add::<DeploymentConfig>();
    types.add::<group::DeploymentGroup>();
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
        let input = CreateApplication {
            application_name: name.clone(),
            compute_platform: properties.compute_platform,
            tags: ctx.tag_list(&properties.tags),
        };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "ApplicationAlreadyExistsException")?;
        Ok(Created { physical_id: name, attributes: Attributes::new() })
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: Self::Properties,
    ) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, GetApplication { application_name: id.to_owned() }).await;
        let answer = answered(found, "ApplicationDoesNotExistException")?;
        let answer = answer.map(|answer| capitalized(answer["application"].clone()));
        Ok(answer.map(|shown| told(&shown, ["ApplicationName", "ComputePlatform"]).into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: Self::Properties,
    ) -> Result<(), ServiceError> {
        let input = DeleteApplication { application_name: physical_id.to_owned() };
        ctx.cloud.call(&ctx.principal, input).await?;
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
    minimum_healthy_hosts: Option<Value>,
    zonal_config: Option<Value>,
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
    fn routing(self) -> Routing {
        let canary = |given: CanaryProperties| Canary {
            canary_percentage: given.canary_percentage.0,
            canary_interval: given.canary_interval.0,
        };
        let linear = |given: LinearProperties| Linear {
            linear_percentage: given.linear_percentage.0,
            linear_interval: given.linear_interval.0,
        };
        Routing {
            r#type: self.r#type,
            time_based_canary: self.time_based_canary.map(canary),
            time_based_linear: self.time_based_linear.map(linear),
        }
    }
}

impl Resource for DeploymentConfig {
    const TYPE: &'static str = "AWS::CodeDeploy::DeploymentConfig";
    type Properties = ConfigProperties;

    async fn create(ctx: &ResourceContext, properties: Self::Properties) -> Result<Created, ServiceError> {
        let name = properties.deployment_config_name.unwrap_or_else(|| ctx.generated_name(100));
        let input = CreateDeploymentConfig {
            deployment_config_name: name.clone(),
            compute_platform: properties.compute_platform,
            traffic_routing_config: properties.traffic_routing_config.map(RoutingProperties::routing),
            minimum_healthy_hosts: properties.minimum_healthy_hosts,
            zonal_config: properties.zonal_config,
        };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "DeploymentConfigAlreadyExistsException")?;
        Ok(Created { physical_id: name, attributes: Attributes::new() })
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: Self::Properties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = GetDeploymentConfig { deployment_config_name: id.to_owned() };
        let answer =
            answered(ctx.cloud.call(&ctx.principal, input).await, "DeploymentConfigDoesNotExistException")?;
        let answer = answer.map(|answer| capitalized(answer["deploymentConfigInfo"].clone()));
        let names = ["DeploymentConfigName", "ComputePlatform", "TrafficRoutingConfig"];
        Ok(answer.map(|shown| told(&shown, names).into()))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: Self::Properties,
    ) -> Result<(), ServiceError> {
        let input = DeleteDeploymentConfig { deployment_config_name: physical_id.to_owned() };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(())
    }
}
