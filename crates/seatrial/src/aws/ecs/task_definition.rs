//! A rendered task definition registered: from the types that `taskdef.json` is read into to the SDK's, which
//! cannot be read from JSON.

use std::collections::BTreeMap;

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types as sdk;
use seatrial_project::Port;
use seatrial_project::generate::TASKDEF;
use seatrial_project::task_definition::{
    Container, LogConfiguration, PortMapping, Secret, TaskDefinition, Variable,
};

use super::SERVICE;
use crate::aws::Aws;
use crate::aws::error::{Attempt as _, AwsError};
use crate::exit::Refused;

impl Aws {
    /// Registers `definition`, which is rendered; answers the revision's ARN.
    pub(crate) async fn register_task_definition(
        &self,
        definition: TaskDefinition,
    ) -> anyhow::Result<String> {
        let attempt = format!("register a task definition of family `{}`", definition.family);
        let containers: anyhow::Result<Vec<_>> =
            definition.container_definitions.into_iter().map(container).collect();
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

/// What a revision starts: as far as it must fit the stacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Revision {
    pub image: String,
    pub cpu: String,
    pub memory: String,
    /// Execution role and task role.
    pub roles: [String; 2],
    pub environment: BTreeMap<String, String>,
    /// Variable to where its value comes from.
    pub secrets: BTreeMap<String, String>,
}

impl Revision {
    /// What `definition` would start.
    pub(crate) fn of(definition: &TaskDefinition) -> Self {
        let containers = &definition.container_definitions;
        let variables = containers.iter().flat_map(|container| &container.environment);
        let secrets = containers.iter().flat_map(|container| &container.secrets);
        Self {
            image: containers.first().map(|container| container.image.clone()).unwrap_or_default(),
            cpu: definition.cpu.clone(),
            memory: definition.memory.clone(),
            roles: [definition.execution_role_arn.clone(), definition.task_role_arn.clone()],
            environment: variables.map(|v| (v.name.clone(), v.value.clone())).collect(),
            secrets: secrets.map(|s| (s.name.clone(), s.value_from.clone())).collect(),
        }
    }
}

impl Aws {
    /// What a revision starts.
    pub(crate) async fn revision(&self, arn: &str) -> Result<Revision, AwsError> {
        let definition = self.definition(arn).await?;
        let containers = definition.container_definitions.unwrap_or_default();
        let variables = containers.iter().flat_map(|container| container.environment());
        let secrets = containers.iter().flat_map(|container| container.secrets());
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Revision {
            image: containers.first().and_then(|container| container.image.clone()).unwrap_or_default(),
            cpu: definition.cpu.unwrap_or_default(),
            memory: definition.memory.unwrap_or_default(),
            roles: [definition.execution_role_arn, definition.task_role_arn].map(Option::unwrap_or_default),
            environment: variables.map(|v| (text(v.name()), text(v.value()))).collect(),
            secrets: secrets.map(|s| (s.name().to_owned(), s.value_from().to_owned())).collect(),
        })
    }

    /// Registers what a revision is once more, as the newest of its family; answers the new one's ARN.
    pub(crate) async fn register_again(&self, arn: &str) -> Result<String, AwsError> {
        let old = self.definition(arn).await?;
        let answer = self
            .ecs()
            .register_task_definition()
            .set_family(old.family)
            .set_network_mode(old.network_mode)
            .set_requires_compatibilities(old.requires_compatibilities)
            .set_cpu(old.cpu)
            .set_memory(old.memory)
            .set_execution_role_arn(old.execution_role_arn)
            .set_task_role_arn(old.task_role_arn)
            .set_runtime_platform(old.runtime_platform)
            .set_volumes(old.volumes)
            .set_container_definitions(old.container_definitions)
            .send()
            .await;
        let answer = answer.attempt(SERVICE, || format!("register `{arn}` once more"))?;
        Ok(answer.task_definition.and_then(|definition| definition.task_definition_arn).unwrap_or_default())
    }

    async fn definition(&self, arn: &str) -> Result<sdk::TaskDefinition, AwsError> {
        let attempt = || format!("describe task definition `{arn}`");
        let answer = self.ecs().describe_task_definition().task_definition(arn).send().await;
        let found = answer.attempt(SERVICE, attempt)?.task_definition;
        found.ok_or_else(|| AwsError::missing(attempt(), SERVICE))
    }
}

fn container(container: Container) -> anyhow::Result<sdk::ContainerDefinition> {
    let variable = |v: Variable| sdk::KeyValuePair::builder().name(v.name).value(v.value).build();
    let secret = |s: Secret| sdk::Secret::builder().name(s.name).value_from(s.value_from).build();
    let secrets: Result<Vec<_>, _> = container.secrets.into_iter().map(secret).collect();
    let ports: Result<Vec<_>, _> = container.port_mappings.into_iter().map(port_mapping).collect();
    let log = container.log_configuration.map(log_configuration).transpose()?;
    let linux = container.linux_parameters.map(|linux| {
        sdk::LinuxParameters::builder().set_init_process_enabled(linux.init_process_enabled).build()
    });
    let builder = sdk::ContainerDefinition::builder()
        .name(container.name)
        .image(container.image)
        .set_essential(container.essential)
        .cpu(container.cpu.unwrap_or_default())
        .set_memory(container.memory)
        .set_user(container.user)
        .set_command(container.command)
        .set_entry_point(container.entry_point)
        .set_working_directory(container.working_directory)
        .set_readonly_root_filesystem(container.readonly_root_filesystem)
        .set_privileged(container.privileged)
        .set_stop_timeout(container.stop_timeout)
        .set_start_timeout(container.start_timeout)
        .set_port_mappings(Some(ports?))
        .set_environment(Some(container.environment.into_iter().map(variable).collect()))
        .set_secrets(Some(secrets?))
        .set_log_configuration(log)
        .set_linux_parameters(linux)
        .set_docker_labels(container.docker_labels.map(|labels| labels.into_iter().collect()));
    Ok(builder.build())
}

fn port_mapping(mapping: PortMapping) -> Result<sdk::PortMapping, Refused> {
    let number = |port: &Port| {
        let number = port.number().map(i32::from);
        number.ok_or_else(|| Refused::new(format!("a port in `{TASKDEF}` has no number: {port:?}")))
    };
    let builder = sdk::PortMapping::builder()
        .container_port(number(&mapping.container_port)?)
        .set_host_port(mapping.host_port.as_ref().map(number).transpose()?)
        .set_protocol(mapping.protocol.map(|protocol| protocol.as_str().into()))
        .set_name(mapping.name);
    Ok(builder.build())
}

fn log_configuration(log: LogConfiguration) -> Result<sdk::LogConfiguration, BuildError> {
    sdk::LogConfiguration::builder()
        .log_driver(log.log_driver.as_str().into())
        .set_options(log.options.map(|options| options.into_iter().collect()))
        .build()
}
