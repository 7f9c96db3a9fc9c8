//! `.aws/taskdef.json`: the input of RegisterTaskDefinition, and the only source of the task definition.
//!
//! It holds what every task of every environment gets. An environment's own variables and secrets, and whether its
//! tasks may write files, are not in it: they are added when it is rendered, so that no environment's names are in
//! another's task.

use std::collections::BTreeMap;

use crate::{
    Port,
    task_definition::{
        CONTAINER, Container, IMAGE_PLACEHOLDER, LogConfiguration, PortMapping, RuntimePlatform, Secret,
        TaskDefinition, Variable,
    },
};

/// Seconds from SIGTERM to SIGKILL. The application drains for at most 20.
const STOP_TIMEOUT: i32 = 30;

/// Variables that every task gets: name in the container, value in the template.
const VARIABLES: [(&str, &str); 5] = [
    ("PORT", "${APP_PORT}"),
    ("DB_HOST", "${DB_HOST}"),
    ("DB_PORT", "${DB_PORT}"),
    ("DB_NAME", "${DB_NAME}"),
    ("DB_USER", "${DB_USER}"),
];
/// The JSON field of the secret, latest version (ECS, "Specifying sensitive data using Secrets Manager").
const SECRETS: [(&str, &str); 1] = [("DB_PASSWORD", "${DB_SECRET_ARN}:password::")];

/// The text of the template.
pub(super) fn render() -> serde_json::Result<String> {
    template().to_json()
}

fn template() -> TaskDefinition {
    TaskDefinition {
        family: "${PROJECT_NAME}-${ENVIRONMENT_NAME}".to_owned(),
        network_mode: "awsvpc".to_owned(),
        requires_compatibilities: vec!["FARGATE".to_owned()],
        cpu: "${APP_CPU}".to_owned(),
        memory: "${APP_MEMORY}".to_owned(),
        runtime_platform: Some(RuntimePlatform {
            cpu_architecture: "${APP_CPU_ARCHITECTURE}".to_owned(),
            operating_system_family: "LINUX".to_owned(),
        }),
        execution_role_arn: "${EXECUTION_ROLE_ARN}".to_owned(),
        task_role_arn: "${TASK_ROLE_ARN}".to_owned(),
        container_definitions: vec![container()],
    }
}

/// No health check of the container: the image holds nothing that could ask, and the load balancer asks anyway.
fn container() -> Container {
    let variable = |(name, value): (&str, &str)| Variable { name: name.to_owned(), value: value.to_owned() };
    let secret = |(name, from): (&str, &str)| Secret { name: name.to_owned(), value_from: from.to_owned() };
    let port = Port::Placeholder("${APP_PORT}".to_owned());
    Container {
        essential: Some(true),
        stop_timeout: Some(STOP_TIMEOUT),
        port_mappings: vec![PortMapping {
            container_port: port,
            host_port: None,
            protocol: Some("tcp".to_owned()),
            name: None,
        }],
        environment: VARIABLES.map(variable).into(),
        secrets: SECRETS.map(secret).into(),
        log_configuration: Some(log_configuration()),
        ..Container::new(CONTAINER, IMAGE_PLACEHOLDER)
    }
}

fn log_configuration() -> LogConfiguration {
    let options = [
        ("awslogs-group", "${LOG_GROUP}"),
        ("awslogs-region", "${AWS_REGION}"),
        ("awslogs-stream-prefix", CONTAINER),
    ];
    let options: BTreeMap<_, _> =
        options.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    LogConfiguration { log_driver: "awslogs".to_owned(), options: Some(options) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_that_write_the_template_read_it_back() {
        let read: TaskDefinition = serde_json::from_str(&render().unwrap()).unwrap();
        assert_eq!(read, template());
    }

    #[test]
    fn a_member_that_is_not_known_is_refused_by_name() {
        let text = render().unwrap().replace("stopTimeout", "stopTimeuot");
        let error = serde_json::from_str::<TaskDefinition>(&text).unwrap_err().to_string();
        assert!(error.contains("unknown field `stopTimeuot`"), "{error}");
    }
}
