//! `.aws/taskdef.json`: the input of RegisterTaskDefinition, and the only source of the task definition.

use serde_json::{Map, Value, json};

use super::{CONTAINER, Facts};

/// Seconds from SIGTERM to SIGKILL. The application drains for at most 20.
const STOP_TIMEOUT: u32 = 30;

/// Variables that every task gets: name in the container, value in the template.
const VARIABLES: &[(&str, &str)] = &[
    ("PORT", "${APP_PORT}"),
    ("DB_HOST", "${DB_HOST}"),
    ("DB_PORT", "${DB_PORT}"),
    ("DB_NAME", "${DB_NAME}"),
    ("DB_USER", "${DB_USER}"),
];
/// The JSON field of the secret, latest version (ECS, "Specifying sensitive data using Secrets Manager").
const SECRETS: &[(&str, &str)] = &[("DB_PASSWORD", "${DB_SECRET_ARN}:password::")];

/// The rendered template. No health check of the container: the image holds nothing that could ask, and the
/// load balancer asks anyway.
pub(super) fn render(facts: &Facts) -> String {
    let own = |name: &str| facts.variables.contains(name) || facts.secrets.contains(name);
    let entries =
        |fixed: &[(&str, &str)], prefix: &str, names: &std::collections::BTreeSet<String>, field: &str| {
            // A name of the project's own takes the place of ours: ECS refuses a name that is there twice.
            let fixed =
                fixed.iter().filter(|(name, _)| !own(name)).map(|(name, value)| entry(name, field, value));
            let own = names.iter().map(|name| entry(name, field, &format!("${{{prefix}_{name}}}")));
            Value::Array(fixed.chain(own).collect())
        };
    let definition = json!({
        "family": "${PROJECT_NAME}-${ENVIRONMENT_NAME}",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "${APP_CPU}",
        "memory": "${APP_MEMORY}",
        "runtimePlatform": { "cpuArchitecture": "${APP_CPU_ARCHITECTURE}", "operatingSystemFamily": "LINUX" },
        "executionRoleArn": "${EXECUTION_ROLE_ARN}",
        "taskRoleArn": "${TASK_ROLE_ARN}",
        "containerDefinitions": [{
            "name": CONTAINER,
            "image": "<IMAGE1_NAME>",
            "essential": true,
            "readonlyRootFilesystem": true,
            "stopTimeout": STOP_TIMEOUT,
            "portMappings": [{ "containerPort": "${APP_PORT}", "protocol": "tcp" }],
            "environment": entries(VARIABLES, "APP_ENVIRONMENT", &facts.variables, "value"),
            "secrets": entries(SECRETS, "APP_SECRET", &facts.secrets, "valueFrom"),
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "${LOG_GROUP}",
                    "awslogs-region": "${AWS_REGION}",
                    "awslogs-stream-prefix": CONTAINER,
                },
            },
        }],
    });
    // The alternate form of a value is indented JSON and, unlike serde_json's functions, cannot fail.
    format!("{definition:#}\n")
}

fn entry(name: &str, field: &str, value: &str) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), name.into());
    entry.insert(field.to_owned(), value.into());
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use crate::project::{ImageBuilder, ImageTarget};

    use super::*;

    fn container(variables: &[&str], secrets: &[&str]) -> Value {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let facts = Facts {
            builder: ImageBuilder::Cargo,
            target: ImageTarget::Gnu,
            variables: names(variables),
            secrets: names(secrets),
        };
        let definition: Value = serde_json::from_str(&render(&facts)).unwrap();
        definition["containerDefinitions"][0].clone()
    }

    #[test]
    fn the_projects_variables_and_secrets_follow_the_fixed_ones() {
        let container = container(&["LOG"], &["TOKEN"]);
        let environment = container["environment"].as_array().unwrap();
        assert_eq!(environment.last().unwrap(), &json!({"name": "LOG", "value": "${APP_ENVIRONMENT_LOG}"}));
        assert_eq!(
            container["secrets"],
            json!([
                {"name": "DB_PASSWORD", "valueFrom": "${DB_SECRET_ARN}:password::"},
                {"name": "TOKEN", "valueFrom": "${APP_SECRET_TOKEN}"},
            ])
        );
    }

    #[test]
    fn no_name_is_there_twice() {
        let container = container(&["DB_HOST"], &["DB_USER"]);
        let names = |list: &str| -> Vec<String> {
            let entries = container[list].as_array().unwrap();
            entries.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("environment"), ["PORT", "DB_PORT", "DB_NAME", "DB_HOST"]);
        assert_eq!(names("secrets"), ["DB_PASSWORD", "DB_USER"]);
    }
}
