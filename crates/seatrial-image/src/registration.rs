//! A rendered task definition as the input of RegisterTaskDefinition: the SDK's types cannot be read from JSON.

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionInputBuilder;
use aws_sdk_ecs::types as sdk;
use seatrial_project::Port;
use seatrial_project::generate::TASKDEF;
use seatrial_project::task_definition::{
    Container, LogConfiguration, PortMapping, Secret, TaskDefinition, Variable,
};

use crate::error::ImageError;

/// What registers `definition`, which is rendered.
///
/// # Errors
/// `ImageError::Refused` for a port that is still a placeholder.
pub fn registration(definition: TaskDefinition) -> Result<RegisterTaskDefinitionInputBuilder, ImageError> {
    let containers: Result<Vec<_>, _> = definition.container_definitions.into_iter().map(container).collect();
    let compatibilities = definition.requires_compatibilities.iter().map(|c| c.as_str().into()).collect();
    let platform = definition.runtime_platform.map(|platform| {
        sdk::RuntimePlatform::builder()
            .cpu_architecture(platform.cpu_architecture.as_str().into())
            .operating_system_family(platform.operating_system_family.as_str().into())
            .build()
    });
    Ok(RegisterTaskDefinitionInput::builder()
        .family(definition.family)
        .network_mode(definition.network_mode.as_str().into())
        .set_requires_compatibilities(Some(compatibilities))
        .cpu(definition.cpu)
        .memory(definition.memory)
        .execution_role_arn(definition.execution_role_arn)
        .task_role_arn(definition.task_role_arn)
        .set_runtime_platform(platform)
        .set_container_definitions(Some(containers?)))
}

fn container(container: Container) -> Result<sdk::ContainerDefinition, ImageError> {
    let variable = |v: Variable| sdk::KeyValuePair::builder().name(v.name).value(v.value).build();
    let secret = |s: Secret| sdk::Secret::builder().name(s.name).value_from(s.value_from).build();
    let secrets: Result<Vec<_>, _> = container.secrets.into_iter().map(secret).collect();
    let ports: Result<Vec<_>, _> = container.port_mappings.into_iter().map(port_mapping).collect();
    let log = container.log_configuration.map(log_configuration).transpose();
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
        .set_secrets(Some(secrets.map_err(incomplete)?))
        .set_log_configuration(log.map_err(incomplete)?)
        .set_linux_parameters(linux)
        .set_docker_labels(container.docker_labels.map(|labels| labels.into_iter().collect()));
    Ok(builder.build())
}

fn incomplete(error: BuildError) -> ImageError {
    ImageError::failed(format!("register what `{TASKDEF}` says"), error)
}

fn port_mapping(mapping: PortMapping) -> Result<sdk::PortMapping, ImageError> {
    let number = |port: &Port| {
        let number = port.number().map(i32::from);
        number.ok_or_else(|| ImageError::refused(format!("a port in `{TASKDEF}` has no number: {port:?}")))
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
