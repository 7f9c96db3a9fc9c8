//! What a task definition of ours may hold: the types that write `.aws/taskdef.json`, read it back, render it and
//! register it.
//!
//! A member that is not listed here is refused by name rather than dropped: what `provision` registers must be
//! what the pipeline registers. Names are those of ECS's RegisterTaskDefinition.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Port;

/// The container that gets the traffic: task definition, AppSpec and the stack `service` name it.
pub const CONTAINER: &str = "app";
/// What CodePipeline replaces by the image's address (CodeDeployToECS action reference, `Image1ContainerName`).
pub const IMAGE_PLACEHOLDER: &str = "<IMAGE1_NAME>";

/// The input of RegisterTaskDefinition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskDefinition {
    pub family: String,
    pub network_mode: String,
    pub requires_compatibilities: Vec<String>,
    /// CPU units.
    pub cpu: String,
    /// MiB.
    pub memory: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    pub execution_role_arn: String,
    pub task_role_arn: String,
    pub container_definitions: Vec<Container>,
}

/// The machine that Fargate gives the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuntimePlatform {
    /// `X86_64` or `ARM64`.
    pub cpu_architecture: String,
    /// `LINUX`.
    pub operating_system_family: String,
}

/// One container of the task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    pub name: String,
    /// [`IMAGE_PLACEHOLDER`] until the image is known.
    pub image: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub essential: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readonly_root_filesystem: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    /// Seconds from SIGTERM to SIGKILL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i32>,
    /// Seconds that a container which others depend on has to become ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<i32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port_mappings: Vec<PortMapping>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<Variable>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linux_parameters: Option<LinuxParameters>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_labels: Option<BTreeMap<String, String>>,
}

/// Where a container listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortMapping {
    pub container_port: Port,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<Port>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A variable of the container's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variable {
    pub name: String,
    pub value: String,
}

/// A variable whose value ECS takes from Secrets Manager when it starts the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secret {
    pub name: String,
    /// The secret's ARN, with `:json-key:version-stage:version-id` behind it for one field of it.
    pub value_from: String,
}

/// Where a container's output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogConfiguration {
    pub log_driver: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<BTreeMap<String, String>>,
}

/// Linux's own settings of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinuxParameters {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_process_enabled: Option<bool>,
}

impl Container {
    /// A container of which nothing else is said.
    pub fn new(name: &str, image: &str) -> Self {
        Self { name: name.to_owned(), image: image.to_owned(), ..Self::default() }
    }
}

impl TaskDefinition {
    /// The definition with the image's address where the placeholder stands.
    pub fn with_image(mut self, uri: &str) -> Self {
        for container in &mut self.container_definitions {
            if container.image == IMAGE_PLACEHOLDER {
                container.image = uri.to_owned();
            }
        }
        self
    }

    /// The definition as `taskdef.json` holds it.
    ///
    /// CodePipeline replaces `<IMAGE1_NAME>` in the text, wherever it stands ("the text that is replaced", says
    /// the action's reference), so everywhere but in `image` the sign `<` is written as its escape: a variable may
    /// have that value too.
    ///
    /// # Errors
    /// None that is known: serde_json's writer can fail, these types give it no reason to.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut json = String::new();
        // Strings hold no line end in JSON, so that a line holds one member and no more.
        for line in serde_json::to_string_pretty(self)?.lines() {
            if line.trim_start().starts_with("\"image\": ") {
                json.push_str(line);
            } else {
                json.push_str(&line.replace('<', "\\u003c"));
            }
            json.push('\n');
        }
        Ok(json)
    }
}
