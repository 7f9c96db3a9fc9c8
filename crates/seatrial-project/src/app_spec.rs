//! What an AppSpec of ours may hold: the types that write `.aws/appspec.yaml`, read it back and render it.
//!
//! Names are those of CodeDeploy's AppSpec for ECS.

use serde::{Deserialize, Serialize};

use crate::Port;

/// What CodePipeline replaces by the revision that it registers (CodeDeployToECS action reference).
pub const TASK_DEFINITION_PLACEHOLDER: &str = "<TASK_DEFINITION>";

/// The whole file. CodeDeploy knows one version, 0.0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppSpec {
    pub version: f64,
    #[serde(rename = "Resources")]
    pub resources: Vec<Resource>,
}

/// The one resource that an ECS deployment changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    #[serde(rename = "TargetService")]
    pub target_service: TargetService,
}

/// The service; CodeDeploy has its name from the deployment group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetService {
    /// `AWS::ECS::Service`.
    #[serde(rename = "Type")]
    pub kind: String,
    pub properties: Properties,
}

/// What is deployed behind what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Properties {
    /// [`TASK_DEFINITION_PLACEHOLDER`] until the revision is known.
    pub task_definition: String,
    pub load_balancer_info: LoadBalancerInfo,
}

/// The container that gets the traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoadBalancerInfo {
    pub container_name: String,
    pub container_port: Port,
}

/// The revision that a deployment's AppSpec names, in YAML or JSON, whoever wrote it.
pub fn deployed_definition(app_spec: &str) -> Option<String> {
    let app_spec = seatrial_template::parse("the AppSpec", app_spec.as_bytes()).ok()?.to_json();
    let place = "/Resources/0/TargetService/Properties/TaskDefinition";
    Some(app_spec.pointer(place)?.as_str()?.to_owned())
}
