//! `AWS::ECS::Service`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Flag, Number, Resource, ResourceContext, Tag, answered, attributes,
    capitalized, told,
};
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::services::ecs::{
    self, AwsVpcConfiguration, CreateService, DeleteService, DeploymentController, DescribeServices,
    LoadBalancer, NetworkConfiguration, PLATFORM_VERSION, UpdateService,
};

/// As long as CloudFormation waits for a service to become steady, and to drain.
const PATIENCE: Duration = Duration::from_secs(3 * 3600);
const POLL: Duration = Duration::from_millis(250);

pub(super) struct Service;

/// What ECS shows as the template writes it. Tags are not asked for.
const SHOWN: [&str; 11] = [
    "ServiceName",
    "DesiredCount",
    "LaunchType",
    "PlatformVersion",
    "SchedulingStrategy",
    "DeploymentController",
    "HealthCheckGracePeriodSeconds",
    "EnableECSManagedTags",
    "EnableExecuteCommand",
    "PropagateTags",
    "NetworkConfiguration",
];

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ServiceProperties {
    service_name: Option<String>,
    cluster: Option<String>,
    task_definition: Option<String>,
    desired_count: Option<Number>,
    launch_type: Option<String>,
    platform_version: Option<String>,
    scheduling_strategy: Option<String>,
    deployment_controller: Option<ControllerProperty>,
    health_check_grace_period_seconds: Option<Number>,
    #[serde(rename = "EnableECSManagedTags")]
    enable_ecs_managed_tags: Option<Flag>,
    propagate_tags: Option<String>,
    enable_execute_command: Option<Flag>,
    load_balancers: Vec<LoadBalancerProperty>,
    network_configuration: Option<NetworkProperty>,
    tags: Vec<Tag>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ControllerProperty {
    r#type: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct LoadBalancerProperty {
    container_name: Option<String>,
    container_port: Option<Number>,
    target_group_arn: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkProperty {
    awsvpc_configuration: AwsVpcProperty,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AwsVpcProperty {
    subnets: Vec<String>,
    security_groups: Vec<String>,
    assign_public_ip: Option<String>,
}

impl ServiceProperties {
    fn load_balancers(&self) -> Vec<LoadBalancer> {
        let convert = |given: &LoadBalancerProperty| LoadBalancer {
            target_group_arn: given.target_group_arn.clone(),
            container_name: given.container_name.clone(),
            container_port: given.container_port.map(|number| number.0),
        };
        self.load_balancers.iter().map(convert).collect()
    }

    fn network(&self) -> Option<NetworkConfiguration> {
        let given = &self.network_configuration.as_ref()?.awsvpc_configuration;
        let awsvpc_configuration = AwsVpcConfiguration {
            subnets: given.subnets.clone(),
            security_groups: given.security_groups.clone(),
            assign_public_ip: given.assign_public_ip.clone(),
        };
        Some(NetworkConfiguration { awsvpc_configuration })
    }

    fn grace(&self) -> Option<i64> {
        self.health_check_grace_period_seconds.map(|number| number.0)
    }

    fn into_create(self, ctx: &ResourceContext, service_name: String) -> CreateService {
        CreateService {
            service_name,
            load_balancers: self.load_balancers(),
            network_configuration: self.network(),
            health_check_grace_period_seconds: self.grace(),
            tags: ctx.tag_list(&self.tags),
            cluster: self.cluster,
            task_definition: self.task_definition,
            desired_count: self.desired_count.map(|number| number.0),
            launch_type: self.launch_type,
            platform_version: self.platform_version,
            deployment_configuration: None,
            scheduling_strategy: self.scheduling_strategy,
            deployment_controller: self
                .deployment_controller
                .map(|given| DeploymentController { r#type: given.r#type }),
            enable_ecs_managed_tags: self.enable_ecs_managed_tags.is_some_and(|flag| flag.0),
            propagate_tags: self.propagate_tags,
            enable_execute_command: self.enable_execute_command.is_some_and(|flag| flag.0),
        }
    }

    /// CloudFormation sends all it has, the task definition among it: so ECS refuses any change of a service
    /// that CodeDeploy deploys.
    fn into_update(self, service: &str) -> UpdateService {
        UpdateService {
            service: service.to_owned(),
            network_configuration: self.network(),
            health_check_grace_period_seconds: self.grace(),
            load_balancers: Some(self.load_balancers()),
            cluster: self.cluster,
            desired_count: self.desired_count.map(|number| number.0),
            task_definition: self.task_definition,
            deployment_configuration: None,
            platform_version: self.platform_version,
            force_new_deployment: false,
            deployment_controller: self
                .deployment_controller
                .map(|given| DeploymentController { r#type: given.r#type }),
            propagate_tags: self.propagate_tags,
            enable_ecs_managed_tags: self.enable_ecs_managed_tags.map(|flag| flag.0),
            enable_execute_command: self.enable_execute_command.map(|flag| flag.0),
        }
    }
}

/// What services were before an update that ECS refused: the rollback to it has nothing to send, and would be
/// refused likewise.
#[derive(Default)]
struct Refused {
    before: Mutex<HashMap<String, ServiceProperties>>,
}

impl Part for Refused {
    fn open(_setup: &Setup) -> Self {
        Self::default()
    }
}

impl Refused {
    fn keep(&self, service: &str, before: ServiceProperties) {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), before);
    }

    fn take(&self, service: &str) -> Option<ServiceProperties> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).remove(service)
    }
}

/// Waits until `done` says so of the service. `None`: there is no such service.
async fn wait(
    ctx: &ResourceContext,
    (cluster, service): (Option<&str>, &str),
    done: impl Fn(Option<&ecs::Service>) -> bool,
) -> Result<(), ServiceError> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let input = DescribeServices {
            cluster: cluster.map(str::to_owned),
            services: vec![service.to_owned()],
            ..DescribeServices::default()
        };
        let found = ctx.cloud.call(&ctx.principal, input).await?;
        if done(found.services.first()) {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    let message = format!("Resource handler returned message: \"Exceeded attempts to wait\" for {service}");
    Err(ServiceError::new("NotStabilized", message))
}

/// All wanted tasks run, and nothing else does.
fn is_steady(service: &ecs::Service) -> bool {
    let primary = service.task_sets.iter().find(|set| set.status == "PRIMARY");
    let sets = primary.is_some_and(|set| set.stability_status == "STEADY_STATE");
    let deployments = service.deployments.len() == 1
        && service.deployments.iter().all(|deployment| deployment.rollout_state == "COMPLETED");
    sets || deployments
}

async fn wait_until_steady(
    ctx: &ResourceContext,
    cluster: Option<&str>,
    service: &str,
) -> Result<(), ServiceError> {
    let end = |found: Option<&ecs::Service>| {
        found.is_none_or(|service| service.status != "ACTIVE" || is_steady(service))
    };
    wait(ctx, (cluster, service), end).await
}

fn service_attributes(arn: &str) -> Attributes {
    let name: Value = json!(arn.rsplit('/').next().unwrap_or(arn));
    attributes([("Name", name), ("ServiceArn", json!(arn))])
}

impl Resource for Service {
    const TYPE: &'static str = "AWS::ECS::Service";
    type Properties = ServiceProperties;

    async fn create(ctx: &ResourceContext, properties: ServiceProperties) -> Result<Created, ServiceError> {
        let name = properties.service_name.clone().unwrap_or_else(|| ctx.generated_name(255));
        let cluster = properties.cluster.clone();
        let made = ctx.cloud.call(&ctx.principal, properties.into_create(ctx, name.clone())).await;
        let arn = match made {
            Ok(made) => made.service.service_arn,
            Err(error) if ctx.retried && error.message.contains("not idempotent") => {
                let cluster = cluster.as_deref().and_then(|given| given.rsplit('/').next());
                ctx.cloud.arn("ecs", &format!("service/{}/{name}", cluster.unwrap_or("default")))
            }
            Err(error) => return Err(error),
        };
        ctx.initiated(&arn);
        wait_until_steady(ctx, cluster.as_deref(), &name).await?;
        Ok(Created { attributes: service_attributes(&arn), physical_id: arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<ServiceProperties>,
    ) -> Result<Attributes, ServiceError> {
        let refused = ctx.cloud.part::<Refused>();
        if refused.take(physical_id).is_some_and(|before| before == change.new) {
            return Ok(service_attributes(physical_id));
        }
        let cluster = change.new.cluster.clone();
        if let Err(error) = ctx.cloud.call(&ctx.principal, change.new.into_update(physical_id)).await {
            refused.keep(physical_id, change.old);
            return Err(error);
        }
        wait_until_steady(ctx, cluster.as_deref(), physical_id).await?;
        Ok(service_attributes(physical_id))
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: ServiceProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let services = vec![id.to_owned()];
        let input = DescribeServices { cluster: properties.cluster.clone(), services, ..Default::default() };
        let answer = answered(ctx.cloud.call(&ctx.principal, input).await, "ClusterNotFoundException")?;
        let shown = capitalized(answer.unwrap_or_default()["services"][0].clone());
        if shown["Status"] != "ACTIVE" {
            return Ok(None);
        }
        let mut read = told(&shown, SHOWN);
        // The cluster and the revision are named in several ways; a bare family means any of its revisions.
        let names = |named: &Option<String>, shown: &Value| {
            let shown = shown.as_str().unwrap_or_default();
            let ends = |named: &String| {
                let tail = shown.rsplit('/').next().unwrap_or_default();
                shown == named || tail == named || tail.split(':').next() == Some(named)
            };
            json!(named.clone().filter(ends).unwrap_or_else(|| shown.to_owned()))
        };
        read.insert("Cluster".to_owned(), names(&properties.cluster, &shown["ClusterArn"]));
        // ECS keeps the version that it stood for.
        if properties.platform_version.as_deref() == Some("LATEST")
            && shown["PlatformVersion"] == PLATFORM_VERSION
        {
            read.insert("PlatformVersion".to_owned(), json!("LATEST"));
        }
        let revision = names(&properties.task_definition, &shown["TaskDefinition"]);
        read.insert("TaskDefinition".to_owned(), revision);
        Ok(Some(read.into()))
    }

    const IMPORTABLE: bool = true;

    const KNOWN_BY: Option<&'static str> = Some("ServiceArn");

    async fn attributes(_ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        Ok(service_attributes(id))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: ServiceProperties,
    ) -> Result<(), ServiceError> {
        let cluster = properties.cluster;
        let input = DeleteService { cluster: cluster.clone(), service: physical_id.to_owned(), force: true };
        match ctx.cloud.call(&ctx.principal, input).await {
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let drained = |found: Option<&ecs::Service>| found.is_none_or(|service| service.status == "INACTIVE");
        match wait(ctx, (cluster.as_deref(), physical_id), drained).await {
            Err(error) if is_missing(&error) => Ok(()),
            ended => ended,
        }
    }
}

fn is_missing(error: &ServiceError) -> bool {
    matches!(
        error.code.as_str(),
        "ServiceNotFoundException" | "ServiceNotActiveException" | "ClusterNotFoundException"
    )
}
