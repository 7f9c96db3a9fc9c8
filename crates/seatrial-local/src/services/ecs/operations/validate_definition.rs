//! What ECS refuses when a task definition is registered, in its own words where they are known.

use std::collections::HashSet;

use super::fargate;
use crate::error::ServiceError;
use crate::services::ecs::definition::{ContainerDefinition, Content};
use crate::services::ecs::store::client;

/// Checks everything that ECS checks and the tool's own files could get wrong.
pub(super) fn validate(family: &str, content: &Content) -> Result<(), ServiceError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if family.is_empty() || family.len() > 255 {
        return Err(client("Family should not be null or empty, and at most 255 characters long."));
    }
    if !family.bytes().all(fits) {
        return Err(client("Family contains invalid characters."));
    }
    if content.container_definitions.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    let mut names = HashSet::new();
    for container in &content.container_definitions {
        if container.name.is_empty() || !container.name.bytes().all(fits) {
            return Err(client("Container.name contains invalid characters."));
        }
        if !names.insert(container.name.as_str()) {
            return Err(client(format!("Container.name '{}' is used more than once.", container.name)));
        }
        validate_container(container, content)?;
    }
    if !content.container_definitions.iter().any(ContainerDefinition::is_essential) {
        return Err(client("At least one container must be marked essential."));
    }
    if content.requires_compatibilities.iter().any(|kind| kind == "FARGATE") {
        validate_fargate(content)?;
    }
    fargate::check_played(content)
}

fn validate_container(container: &ContainerDefinition, content: &Content) -> Result<(), ServiceError> {
    if container.image.is_empty() {
        return Err(client("Container.image should not be null or empty."));
    }
    if container.image.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return Err(client("Container.image contains invalid characters."));
    }
    let mut seen = HashSet::new();
    let variables = container.environment.iter().map(|variable| &variable.name);
    for name in variables.chain(container.secrets.iter().map(|secret| &secret.name)) {
        if !seen.insert(name) {
            return Err(client(
                "The secret name must be unique and not shared with any new or existing environment \
                 variables set on the container, such as "
                    .to_owned()
                    + &format!("'{name}'."),
            ));
        }
    }
    for mapping in &container.port_mappings {
        let host_port = mapping.host_port.unwrap_or(mapping.container_port);
        if !(1..=65_535).contains(&mapping.container_port) {
            return Err(client("Port mappings need a container port between 1 and 65535."));
        }
        if content.network_mode.as_deref() == Some("awsvpc") && host_port != mapping.container_port {
            return Err(client(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
            ));
        }
    }
    // Fargate's limit.
    if container.stop_timeout.is_some_and(|seconds| seconds > 120) {
        return Err(client("Container.stopTimeout must be at most 120 seconds."));
    }
    Ok(())
}

fn validate_fargate(content: &Content) -> Result<(), ServiceError> {
    if content.network_mode.as_deref() != Some("awsvpc") {
        return Err(client("Fargate only supports network mode ‘awsvpc’."));
    }
    fargate::check_supported(content)?;
    let cpu = content.cpu.as_deref().and_then(cpu_units);
    let memory = content.memory.as_deref().and_then(mebibytes);
    let (Some(cpu), Some(memory)) = (cpu, memory) else {
        return Err(client("Fargate requires that 'cpu' and 'memory' be defined at the task level."));
    };
    if !is_fargate_size(cpu, memory) {
        return Err(client(
            "No Fargate configuration exists for given values: ".to_owned()
                + &format!("{cpu} CPU, {memory} memory. ")
                + "See the Amazon ECS documentation for the valid values.",
        ));
    }
    let needs_role = |container: &ContainerDefinition| {
        let driver = container.log_configuration.as_ref().map(|log| log.log_driver.as_str());
        match driver {
            Some("awslogs") => Some("log driver awslogs"),
            _ if !container.secrets.is_empty() => Some("container secrets"),
            _ => None,
        }
    };
    if content.execution_role_arn.is_none()
        && let Some(what) = content.container_definitions.iter().find_map(needs_role)
    {
        return Err(client(format!(
            "Fargate requires task definition to have execution role ARN to support {what}."
        )));
    }
    Ok(())
}

/// CPU units, also from `.25 vCPU`.
fn cpu_units(text: &str) -> Option<i64> {
    match text.to_ascii_lowercase().strip_suffix("vcpu") {
        Some(share) => Some((share.trim().parse::<f64>().ok()? * 1024.0) as i64),
        None => text.trim().parse().ok(),
    }
}

/// MiB, also from `0.5 GB`.
fn mebibytes(text: &str) -> Option<i64> {
    match text.to_ascii_lowercase().strip_suffix("gb") {
        Some(share) => Some((share.trim().parse::<f64>().ok()? * 1024.0) as i64),
        None => text.trim().parse().ok(),
    }
}

/// Fargate's table of pairs, in CPU units and MiB.
fn is_fargate_size(cpu: i64, memory: i64) -> bool {
    let gib = |from: i64, to: i64, step: i64| {
        memory % 1024 == 0 && (from..=to).contains(&(memory / 1024)) && (memory / 1024 - from) % step == 0
    };
    match cpu {
        256 => matches!(memory, 512 | 1024 | 2048),
        512 => gib(1, 4, 1),
        1024 => gib(2, 8, 1),
        2048 => gib(4, 16, 1),
        4096 => gib(8, 30, 1),
        8192 => gib(16, 60, 4),
        16_384 => gib(32, 120, 8),
        32_768 => memory % 1024 == 0 && matches!(memory / 1024, 60 | 122 | 244),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(cpu: &str, memory: &str) -> Content {
        serde_json::from_value(serde_json::json!({
            "containerDefinitions": [{"name": "app", "image": "127.0.0.1:4566/app@sha256:00"}],
            "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": cpu, "memory": memory,
        }))
        .unwrap()
    }

    #[test]
    fn pairs_outside_fargates_table_are_refused_in_its_words() {
        assert!(validate("app", &content("256", "512")).is_ok());
        assert!(validate("app", &content(".25 vCPU", "0.5 GB")).is_ok());
        assert!(validate("app", &content("8192", "20480")).is_ok());
        let error = validate("app", &content("256", "4096")).unwrap_err();
        assert_eq!(error.code, "ClientException");
        assert!(error.message.starts_with("No Fargate configuration exists for given values: 256 CPU, 4096"));
    }

    #[test]
    fn logs_and_secrets_need_an_execution_role() {
        let mut content = content("256", "512");
        content.container_definitions[0].log_configuration =
            Some(crate::services::ecs::definition::LogConfiguration {
                log_driver: "awslogs".to_owned(),
                ..Default::default()
            });
        let error = validate("app", &content).unwrap_err();
        assert!(error.message.contains("execution role ARN to support log driver awslogs"));
    }
}
