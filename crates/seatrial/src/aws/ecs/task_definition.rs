//! `taskdef.json` read and registered: the members this project's task definitions may have.
//!
//! The SDK's types cannot be read from JSON. A member that is not listed here is refused by name rather than
//! dropped: what `provision` registers must be what the pipeline registers.

use std::collections::HashMap;

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types as sdk;
use serde::Deserialize;

use super::SERVICE;
use crate::aws::Aws;
use crate::aws::error::Attempt as _;
use crate::exit::Refused;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TaskDefinition {
    family: String,
    network_mode: String,
    requires_compatibilities: Vec<String>,
    cpu: String,
    memory: String,
    execution_role_arn: String,
    task_role_arn: String,
    runtime_platform: Option<RuntimePlatform>,
    container_definitions: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuntimePlatform {
    cpu_architecture: String,
    operating_system_family: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Container {
    name: String,
    image: String,
    essential: Option<bool>,
    cpu: Option<i32>,
    memory: Option<i32>,
    user: Option<String>,
    command: Option<Vec<String>>,
    entry_point: Option<Vec<String>>,
    working_directory: Option<String>,
    readonly_root_filesystem: Option<bool>,
    privileged: Option<bool>,
    stop_timeout: Option<i32>,
    start_timeout: Option<i32>,
    #[serde(default)]
    port_mappings: Vec<PortMapping>,
    #[serde(default)]
    environment: Vec<Variable>,
    #[serde(default)]
    secrets: Vec<Secret>,
    log_configuration: Option<LogConfiguration>,
    linux_parameters: Option<LinuxParameters>,
    docker_labels: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PortMapping {
    container_port: i32,
    host_port: Option<i32>,
    protocol: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Secret {
    name: String,
    value_from: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogConfiguration {
    log_driver: String,
    options: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LinuxParameters {
    init_process_enabled: Option<bool>,
}

impl Aws {
    /// Registers the task definition that `json` (a rendered `taskdef.json`) holds; answers its ARN.
    pub(crate) async fn register_task_definition(&self, json: &str) -> anyhow::Result<String> {
        let definition: TaskDefinition = serde_json::from_str(json)
            .map_err(|error| Refused::new(format!("`.aws/taskdef.json` cannot be registered: {error}")))?;
        let attempt = format!("register a task definition of family `{}`", definition.family);
        let containers: Result<Vec<_>, BuildError> =
            definition.container_definitions.into_iter().map(Container::build).collect();
        let compatibilities = definition.requires_compatibilities.iter().map(|c| c.as_str().into()).collect();
        let platform = definition.runtime_platform.map(|platform| {
            sdk::RuntimePlatform::builder()
                .cpu_architecture(platform.cpu_architecture.as_str().into())
                .operating_system_family(platform.operating_system_family.as_str().into())
                .build()
        });
        let answer = self
            .ecs()
            .register_task_definition()
            .family(definition.family)
            .network_mode(definition.network_mode.as_str().into())
            .set_requires_compatibilities(Some(compatibilities))
            .cpu(definition.cpu)
            .memory(definition.memory)
            .execution_role_arn(definition.execution_role_arn)
            .task_role_arn(definition.task_role_arn)
            .set_runtime_platform(platform)
            .set_container_definitions(Some(containers?))
            .send()
            .await;
        let answer = answer.attempt(SERVICE, || attempt)?;
        let arn = answer.task_definition.and_then(|definition| definition.task_definition_arn);
        Ok(arn.unwrap_or_default())
    }
}

impl Container {
    fn build(self) -> Result<sdk::ContainerDefinition, BuildError> {
        let variable = |v: Variable| sdk::KeyValuePair::builder().name(v.name).value(v.value).build();
        let secret = |s: Secret| sdk::Secret::builder().name(s.name).value_from(s.value_from).build();
        let secrets: Result<Vec<_>, _> = self.secrets.into_iter().map(secret).collect();
        let port = |port: PortMapping| {
            sdk::PortMapping::builder()
                .container_port(port.container_port)
                .set_host_port(port.host_port)
                .set_protocol(port.protocol.map(|protocol| protocol.as_str().into()))
                .set_name(port.name)
                .build()
        };
        let log = self.log_configuration.map(|log| {
            sdk::LogConfiguration::builder()
                .log_driver(log.log_driver.as_str().into())
                .set_options(log.options)
                .build()
        });
        let linux = self.linux_parameters.map(|linux| {
            sdk::LinuxParameters::builder().set_init_process_enabled(linux.init_process_enabled).build()
        });
        let container = sdk::ContainerDefinition::builder()
            .name(self.name)
            .image(self.image)
            .set_essential(self.essential)
            .cpu(self.cpu.unwrap_or_default())
            .set_memory(self.memory)
            .set_user(self.user)
            .set_command(self.command)
            .set_entry_point(self.entry_point)
            .set_working_directory(self.working_directory)
            .set_readonly_root_filesystem(self.readonly_root_filesystem)
            .set_privileged(self.privileged)
            .set_stop_timeout(self.stop_timeout)
            .set_start_timeout(self.start_timeout)
            .set_port_mappings(Some(self.port_mappings.into_iter().map(port).collect()))
            .set_environment(Some(self.environment.into_iter().map(variable).collect()))
            .set_secrets(Some(secrets?))
            .set_log_configuration(log.transpose()?)
            .set_linux_parameters(linux)
            .set_docker_labels(self.docker_labels);
        Ok(container.build())
    }
}
