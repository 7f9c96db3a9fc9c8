//! `AWS::CodeDeploy::DeploymentGroup`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    Attributes, Change, Created, Flag, Number, Resource, ResourceContext, answered, capitalized, told,
};
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::services::codedeploy::{
    CreateDeploymentGroup, DeleteDeploymentGroup, GetDeploymentGroup, UpdateDeploymentGroup,
};
use crate::tags::Tag;

/// What a group shows under the names of its properties.
const SHOWN: [&str; 10] = [
    "ApplicationName",
    "DeploymentGroupName",
    "ServiceRoleArn",
    "DeploymentConfigName",
    "DeploymentStyle",
    "BlueGreenDeploymentConfiguration",
    "AutoRollbackConfiguration",
    "AlarmConfiguration",
    "LoadBalancerInfo",
    "OutdatedInstancesStrategy",
];

pub(super) struct DeploymentGroup;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupProperties {
    application_name: String,
    deployment_group_name: Option<String>,
    service_role_arn: String,
    deployment_config_name: Option<String>,
    deployment_style: Option<StyleProperties>,
    blue_green_deployment_configuration: Option<BlueGreenProperties>,
    auto_rollback_configuration: Option<RollbackProperties>,
    alarm_configuration: Option<AlarmProperties>,
    #[serde(rename = "ECSServices")]
    ecs_services: Option<Vec<ServiceProperties>>,
    load_balancer_info: Option<LoadBalancerProperties>,
    outdated_instances_strategy: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StyleProperties {
    deployment_type: Option<String>,
    deployment_option: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlueGreenProperties {
    deployment_ready_option: Option<ReadyProperties>,
    terminate_blue_instances_on_deployment_success: Option<TerminationProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReadyProperties {
    action_on_timeout: Option<String>,
    wait_time_in_minutes: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TerminationProperties {
    action: Option<String>,
    termination_wait_time_in_minutes: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RollbackProperties {
    enabled: Option<Flag>,
    #[serde(default)]
    events: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AlarmProperties {
    enabled: Option<Flag>,
    ignore_poll_alarm_failure: Option<Flag>,
    #[serde(default)]
    alarms: Vec<NameProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NameProperties {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServiceProperties {
    cluster_name: String,
    service_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoadBalancerProperties {
    #[serde(default)]
    target_group_pair_info_list: Vec<PairProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PairProperties {
    prod_traffic_route: Option<RouteProperties>,
    test_traffic_route: Option<RouteProperties>,
    #[serde(default)]
    target_groups: Vec<NameProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RouteProperties {
    #[serde(default)]
    listener_arns: Vec<String>,
}

fn names(named: &[NameProperties]) -> Value {
    named.iter().map(|named| json!({ "name": named.name })).collect()
}

fn is_set(flag: Option<Flag>) -> bool {
    flag.is_some_and(|flag| flag.0)
}

impl BlueGreenProperties {
    fn input(&self) -> Value {
        let ready = self.deployment_ready_option.as_ref().map(|ready| {
            without_nulls(json!({
                "actionOnTimeout": ready.action_on_timeout,
                "waitTimeInMinutes": ready.wait_time_in_minutes.map(|minutes| minutes.0),
            }))
        });
        let termination = self.terminate_blue_instances_on_deployment_success.as_ref().map(|end| {
            without_nulls(json!({
                "action": end.action,
                "terminationWaitTimeInMinutes": end.termination_wait_time_in_minutes.map(|minutes| minutes.0),
            }))
        });
        without_nulls(json!({
            "deploymentReadyOption": ready,
            "terminateBlueInstancesOnDeploymentSuccess": termination,
        }))
    }
}

impl LoadBalancerProperties {
    fn input(&self) -> Value {
        let pair = |pair: &PairProperties| {
            let route = |route: &RouteProperties| json!({ "listenerArns": route.listener_arns });
            without_nulls(json!({
                "targetGroups": names(&pair.target_groups),
                "prodTrafficRoute": pair.prod_traffic_route.as_ref().map(route),
                "testTrafficRoute": pair.test_traffic_route.as_ref().map(route),
            }))
        };
        let pairs: Value = self.target_group_pair_info_list.iter().map(pair).collect();
        json!({ "targetGroupPairInfoList": pairs })
    }
}

impl GroupProperties {
    /// The members that requests to make and to change a group share.
    fn input(&self) -> Value {
        let style = self.deployment_style.as_ref().map(|style| {
            without_nulls(json!({
                "deploymentType": style.deployment_type,
                "deploymentOption": style.deployment_option,
            }))
        });
        let rollback = self
            .auto_rollback_configuration
            .as_ref()
            .map(|rollback| json!({ "enabled": is_set(rollback.enabled), "events": rollback.events }));
        let alarms = self.alarm_configuration.as_ref().map(|alarms| {
            json!({
                "enabled": is_set(alarms.enabled),
                "ignorePollAlarmFailure": is_set(alarms.ignore_poll_alarm_failure),
                "alarms": names(&alarms.alarms),
            })
        });
        let services = self.ecs_services.as_ref().map(|services| {
            let service = |service: &ServiceProperties| {
                json!({ "clusterName": service.cluster_name, "serviceName": service.service_name })
            };
            services.iter().map(service).collect::<Value>()
        });
        without_nulls(json!({
            "applicationName": self.application_name,
            "serviceRoleArn": self.service_role_arn,
            "deploymentConfigName": self.deployment_config_name,
            "deploymentStyle": style,
            "blueGreenDeploymentConfiguration":
                self.blue_green_deployment_configuration.as_ref().map(BlueGreenProperties::input),
            "autoRollbackConfiguration": rollback,
            "alarmConfiguration": alarms,
            "ecsServices": services,
            "loadBalancerInfo": self.load_balancer_info.as_ref().map(LoadBalancerProperties::input),
            "outdatedInstancesStrategy": self.outdated_instances_strategy,
        }))
    }
}

/// A member that is not given is left out of a request.
fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, member| !member.is_null());
    }
    value
}

/// Calls an operation whose input is told as a value.
async fn call<O: Operation>(ctx: &ResourceContext, input: Value) -> Result<O::Output, ServiceError> {
    let input: O = serde_json::from_value(input)
        .map_err(|error| ServiceError::new("InvalidRequest", format!("{error} of {}", ctx.logical_id)))?;
    ctx.cloud.call(&ctx.principal, input).await
}

impl Resource for DeploymentGroup {
    const TYPE: &'static str = "AWS::CodeDeploy::DeploymentGroup";
    type Properties = GroupProperties;

    async fn create(ctx: &ResourceContext, properties: Self::Properties) -> Result<Created, ServiceError> {
        let name = properties.deployment_group_name.clone().unwrap_or_else(|| ctx.generated_name(100));
        let mut input = properties.input();
        input["deploymentGroupName"] = json!(name);
        input["tags"] = json!(ctx.tag_list::<Tag>(&properties.tags));
        let result = call::<CreateDeploymentGroup>(ctx, input).await;
        ctx.made(result, "DeploymentGroupAlreadyExistsException")?;
        Ok(Created { physical_id: name, attributes: Attributes::new() })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Self::Properties>,
    ) -> Result<Attributes, ServiceError> {
        let mut input = change.new.input();
        input["currentDeploymentGroupName"] = json!(physical_id);
        call::<UpdateDeploymentGroup>(ctx, input).await?;
        Ok(Attributes::new())
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: Self::Properties,
    ) -> Result<Option<Value>, ServiceError> {
        let GroupProperties { application_name, .. } = properties;
        let input = GetDeploymentGroup { application_name, deployment_group_name: id.to_owned() };
        let found =
            answered(ctx.cloud.call(&ctx.principal, input).await, "DeploymentGroupDoesNotExistException");
        let found = match found {
            Err(error) if error.code == "ApplicationDoesNotExistException" => None,
            found => found?,
        };
        Ok(found.map(|answer| {
            let shown = capitalized(answer["deploymentGroupInfo"].clone());
            let mut read = told(&shown, SHOWN);
            read.insert("ECSServices".to_owned(), shown["EcsServices"].clone());
            read.into()
        }))
    }

    const IMPORTABLE: bool = true;

    const KNOWN_BY: Option<&'static str> = Some("DeploymentGroupName");

    async fn attributes(_ctx: &ResourceContext, _id: &str) -> Result<Attributes, ServiceError> {
        Ok(Attributes::new())
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: Self::Properties,
    ) -> Result<(), ServiceError> {
        let input = DeleteDeploymentGroup {
            application_name: properties.application_name,
            deployment_group_name: physical_id.to_owned(),
        };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(())
    }
}
