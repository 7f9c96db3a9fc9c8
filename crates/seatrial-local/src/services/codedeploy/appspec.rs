//! The AppSpec of an ECS deployment, in YAML or JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::services::ecs::{AwsVpcConfiguration, NetworkConfiguration};

/// What an AppSpec says of the replacement task set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AppSpec {
    pub task_definition: String,
    pub container_name: String,
    pub container_port: i64,
    pub platform_version: Option<String>,
    /// As `CreateTaskSet` takes it; the service's own where there is none.
    pub network_configuration: Option<NetworkConfiguration>,
}

#[derive(Deserialize)]
struct File {
    version: Value,
    #[serde(rename = "Resources", alias = "resources")]
    resources: Vec<BTreeMap<String, Resource>>,
    #[serde(rename = "Hooks", alias = "hooks", default)]
    hooks: Option<Vec<BTreeMap<String, Value>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Resource {
    r#type: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    task_definition: String,
    load_balancer_info: LoadBalancerInfo,
    #[serde(default)]
    platform_version: Option<String>,
    #[serde(default)]
    network_configuration: Option<Network>,
    #[serde(default)]
    capacity_provider_strategy: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LoadBalancerInfo {
    container_name: String,
    container_port: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Network {
    awsvpc_configuration: AwsVpc,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AwsVpc {
    subnets: Vec<String>,
    security_groups: Vec<String>,
    assign_public_ip: String,
}

/// Reads an AppSpec; why it cannot be deployed otherwise, for people.
pub(super) fn read(text: &str) -> Result<AppSpec, String> {
    let file: File =
        serde_yaml::from_str(text).map_err(|error| format!("The AppSpec file cannot be read: {error}"))?;
    if file.version.as_f64() != Some(0.0) && file.version.as_str() != Some("0.0") {
        return Err(format!("The AppSpec file has version {}, and must have 0.0", file.version));
    }
    let hooks = file.hooks.unwrap_or_default();
    if let Some(name) = hooks.iter().flat_map(BTreeMap::keys).next() {
        return Err(format!(
            "The AppSpec file names a Lambda function for hook {name}: the local cloud runs no Lambda functions"
        ));
    }
    let mut services = file.resources.into_iter().flat_map(BTreeMap::into_values);
    let (Some(service), None) = (services.next(), services.next()) else {
        return Err("The AppSpec file must have exactly one resource".to_owned());
    };
    if service.r#type != "AWS::ECS::Service" {
        return Err(format!(
            "The AppSpec file has a resource of type {}, not AWS::ECS::Service",
            service.r#type
        ));
    }
    let Properties {
        task_definition,
        load_balancer_info,
        platform_version,
        network_configuration,
        capacity_provider_strategy,
    } = service.properties;
    if capacity_provider_strategy.is_some() {
        return Err(
            "The AppSpec file has a CapacityProviderStrategy: the local cloud has no capacity providers"
                .to_owned(),
        );
    }
    let network = network_configuration.map(|network| {
        let AwsVpc { subnets, security_groups, assign_public_ip } = network.awsvpc_configuration;
        let assign_public_ip = Some(assign_public_ip);
        let awsvpc_configuration = AwsVpcConfiguration { subnets, security_groups, assign_public_ip };
        NetworkConfiguration { awsvpc_configuration }
    });
    Ok(AppSpec {
        task_definition,
        container_name: load_balancer_info.container_name,
        container_port: load_balancer_info.container_port,
        platform_version,
        network_configuration: network,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: arn:aws:ecs:eu-central-1:000000000000:task-definition/app:2
        LoadBalancerInfo: {ContainerName: app, ContainerPort: 8080}
        NetworkConfiguration:
          AwsvpcConfiguration: {Subnets: [subnet-1], SecurityGroups: [sg-1], AssignPublicIp: DISABLED}
";

    #[test]
    fn yaml_and_json_say_the_same() {
        let value: Value = serde_yaml::from_str(YAML).unwrap();

        let from_yaml = read(YAML).unwrap();

        assert_eq!(from_yaml, read(&value.to_string()).unwrap());
        assert_eq!((from_yaml.container_name.as_str(), from_yaml.container_port), ("app", 8080));
        let network = from_yaml.network_configuration.unwrap();
        assert_eq!(network.awsvpc_configuration.assign_public_ip.as_deref(), Some("DISABLED"));
    }

    #[test]
    fn hooks_are_refused_by_name() {
        let text = format!("{YAML}Hooks:\n  - AfterInstall: check\n");

        assert!(read(&text).unwrap_err().contains("hook AfterInstall"));
        assert!(read(&format!("{YAML}Hooks: []\n")).is_ok());
    }

    #[test]
    fn what_an_appspec_says_is_meant_or_refused_by_name() {
        let with = |line: &str| {
            let place = "        NetworkConfiguration:";
            read(&YAML.replace(place, &format!("        {line}\n{place}"))).unwrap_err()
        };

        assert!(
            with("CapacityProviderStrategy: [{CapacityProvider: FARGATE}]")
                .contains("CapacityProviderStrategy")
        );
        assert!(with("PlatformVersoin: LATEST").contains("PlatformVersoin"));
        assert!(read(&YAML.replace("version: 0.0", "version: 1.0")).unwrap_err().contains("must have 0.0"));
        assert!(read(&YAML.replace("version: 0.0\n", "")).unwrap_err().contains("version"));
    }
}
