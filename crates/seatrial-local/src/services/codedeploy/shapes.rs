//! Applications, deployment groups and deployment configurations as AWS's API shapes them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Epoch;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Application {
    pub application_id: String,
    pub application_name: String,
    pub create_time: Epoch,
    pub linked_to_git_hub: bool,
    /// Only `ECS` is served.
    pub compute_platform: String,
}

/// A deployment group: which service is deployed, behind which listeners, and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Group {
    pub application_name: String,
    pub deployment_group_id: String,
    pub deployment_group_name: String,
    pub deployment_config_name: String,
    pub service_role_arn: String,
    #[serde(flatten)]
    pub settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_revision: Option<Revision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_successful_deployment: Option<LastDeployment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_deployment: Option<LastDeployment>,
    pub compute_platform: String,
}

/// What a request to make or change a group may say of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_configuration: Option<AlarmConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollback>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_style: Option<DeploymentStyle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue_green_deployment_configuration: Option<BlueGreen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_info: Option<LoadBalancerInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outdated_instances_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_configurations: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_services: Option<Vec<EcsService>>,
}

impl Settings {
    /// Takes over what `newer` says.
    pub(super) fn change(&mut self, newer: Self) {
        fn set<T>(place: &mut Option<T>, given: Option<T>) {
            if given.is_some() {
                *place = given;
            }
        }
        set(&mut self.alarm_configuration, newer.alarm_configuration);
        set(&mut self.auto_rollback_configuration, newer.auto_rollback_configuration);
        set(&mut self.deployment_style, newer.deployment_style);
        set(&mut self.blue_green_deployment_configuration, newer.blue_green_deployment_configuration);
        set(&mut self.load_balancer_info, newer.load_balancer_info);
        set(&mut self.outdated_instances_strategy, newer.outdated_instances_strategy);
        set(&mut self.trigger_configurations, newer.trigger_configurations);
        set(&mut self.ecs_services, newer.ecs_services);
    }

    /// The names of the alarms that stop a deployment.
    pub(super) fn alarms(&self) -> Vec<&str> {
        let enabled = self.alarm_configuration.iter().filter(|configuration| configuration.enabled);
        enabled
            .flat_map(|configuration| configuration.alarms.iter().map(|alarm| alarm.name.as_str()))
            .collect()
    }

    /// Whether `event` (`DEPLOYMENT_FAILURE`, …) rolls back by itself.
    pub(super) fn rolls_back_on(&self, event: &str) -> bool {
        let rollback = self.auto_rollback_configuration.as_ref();
        rollback.is_some_and(|rollback| rollback.enabled && rollback.events.iter().any(|name| name == event))
    }

    pub(super) fn pair(&self) -> Option<&TargetGroupPair> {
        self.load_balancer_info.as_ref()?.target_group_pair_info_list.first()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AlarmConfiguration {
    pub enabled: bool,
    pub ignore_poll_alarm_failure: bool,
    pub alarms: Vec<Named>,
}

/// An alarm or a target group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AutoRollback {
    pub enabled: bool,
    /// `DEPLOYMENT_FAILURE`, `DEPLOYMENT_STOP_ON_ALARM`, `DEPLOYMENT_STOP_ON_REQUEST`.
    pub events: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeploymentStyle {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_option: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BlueGreen {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_blue_instances_on_deployment_success: Option<Termination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_ready_option: Option<ReadyOption>,
}

/// What becomes of the original task set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Termination {
    /// `TERMINATE` or `KEEP_ALIVE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_wait_time_in_minutes: Option<i64>,
}

/// Whether traffic waits for somebody's word.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ReadyOption {
    /// `CONTINUE_DEPLOYMENT` or `STOP_DEPLOYMENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_on_timeout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_time_in_minutes: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LoadBalancerInfo {
    pub target_group_pair_info_list: Vec<TargetGroupPair>,
}

/// The two target groups and the listeners that move from one to the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TargetGroupPair {
    pub target_groups: Vec<Named>,
    pub prod_traffic_route: TrafficRoute,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_traffic_route: Option<TrafficRoute>,
}

impl TargetGroupPair {
    pub(super) fn production_listener(&self) -> Option<&str> {
        self.prod_traffic_route.listener_arns.first().map(String::as_str)
    }

    pub(super) fn test_listener(&self) -> Option<&str> {
        self.test_traffic_route.as_ref()?.listener_arns.first().map(String::as_str)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TrafficRoute {
    pub listener_arns: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EcsService {
    pub service_name: String,
    pub cluster_name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastDeployment {
    pub deployment_id: String,
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Epoch>,
    pub create_time: Epoch,
}

/// Where the AppSpec is: in the request, or in S3.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Revision {
    /// `AppSpecContent`, `String` or `S3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_spec_content: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_location: Option<S3Location>,
}

impl Revision {
    /// The revision whose AppSpec is in the request.
    pub(crate) fn of_app_spec(content: String) -> Self {
        let content = Content { content, sha256: None };
        let revision_type = Some("AppSpecContent".to_owned());
        Self { revision_type, app_spec_content: Some(content), ..Self::default() }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Content {
    pub content: String,
    /// In hex; filled where it was not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct S3Location {
    pub bucket: String,
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    pub deployment_config_id: String,
    pub deployment_config_name: String,
    pub create_time: Epoch,
    pub compute_platform: String,
    pub traffic_routing_config: Routing,
}

/// How traffic moves: at once, one part first, or in equal parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Routing {
    /// `AllAtOnce`, `TimeBasedCanary` or `TimeBasedLinear`.
    pub r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_based_canary: Option<Canary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_based_linear: Option<Linear>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Canary {
    pub canary_percentage: i64,
    /// Minutes.
    pub canary_interval: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Linear {
    pub linear_percentage: i64,
    /// Minutes.
    pub linear_interval: i64,
}

impl Routing {
    /// The replacement's share in percent after each step, the last one 100.
    pub(super) fn steps(&self) -> Vec<i64> {
        match (&self.time_based_canary, &self.time_based_linear) {
            (Some(canary), _) if self.r#type == "TimeBasedCanary" => vec![canary.canary_percentage, 100],
            (_, Some(linear)) if self.r#type == "TimeBasedLinear" => {
                let part = linear.linear_percentage.clamp(1, 100);
                let mut steps: Vec<_> =
                    (1..).map(|step| step * part).take_while(|share| *share < 100).collect();
                steps.push(100);
                steps
            }
            _ => vec![100],
        }
    }

    /// The minutes between two steps.
    pub(super) fn interval(&self) -> i64 {
        let canary = self.time_based_canary.as_ref().map(|canary| canary.canary_interval);
        canary.or(self.time_based_linear.as_ref().map(|linear| linear.linear_interval)).unwrap_or_default()
    }
}
