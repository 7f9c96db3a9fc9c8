//! `AWS::ECS::Cluster`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Resource, ResourceContext, Tag, attributes, capitalized, gone, told,
};
use crate::error::ServiceError;
use crate::services::ecs::{CreateCluster, DeleteCluster, DescribeClusters, Setting, UpdateCluster};

pub(super) struct Cluster;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ClusterProperties {
    cluster_name: Option<String>,
    cluster_settings: Vec<SettingProperty>,
    tags: Vec<Tag>,
    capacity_providers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SettingProperty {
    name: String,
    value: String,
}

impl ClusterProperties {
    fn settings(&self) -> Vec<Setting> {
        let settings = self.cluster_settings.iter();
        settings.map(|given| Setting { name: given.name.clone(), value: given.value.clone() }).collect()
    }
}

fn cluster_attributes(ctx: &ResourceContext, name: &str) -> Attributes {
    attributes([("Arn", json!(ctx.cloud.arn("ecs", &format!("cluster/{name}"))))])
}

impl Resource for Cluster {
    const TYPE: &'static str = "AWS::ECS::Cluster";
    type Properties = ClusterProperties;

    async fn create(ctx: &ResourceContext, properties: ClusterProperties) -> Result<Created, ServiceError> {
        let name = properties.cluster_name.clone().unwrap_or_else(|| ctx.generated_name(255));
        let input = CreateCluster {
            cluster_name: Some(name.clone()),
            settings: properties.settings(),
            capacity_providers: properties.capacity_providers,
            default_capacity_provider_strategy: Vec::new(),
            tags: ctx.tag_list(&properties.tags),
        };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(Created { attributes: cluster_attributes(ctx, &name), physical_id: name })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<ClusterProperties>,
    ) -> Result<Attributes, ServiceError> {
        let input = UpdateCluster { cluster: physical_id.to_owned(), settings: change.new.settings() };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(cluster_attributes(ctx, physical_id))
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: ClusterProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeClusters { clusters: vec![id.to_owned()] };
        let found = serde_json::to_value(ctx.cloud.call(&ctx.principal, input).await?).unwrap_or_default();
        let shown = capitalized(found["clusters"][0].clone());
        let active = shown["Status"] == "ACTIVE";
        let mut read = told(&shown, ["ClusterName"]);
        let settings = shown.get("Settings").map(|settings| ("ClusterSettings".to_owned(), settings.clone()));
        read.extend(settings);
        Ok(active.then_some(read.into()))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        Ok(cluster_attributes(ctx, id))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: ClusterProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteCluster { cluster: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "ClusterNotFoundException")
    }
}
