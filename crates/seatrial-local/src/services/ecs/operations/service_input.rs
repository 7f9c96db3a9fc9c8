//! What operations on services, task sets and tasks make of their input alike.

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Call;
use crate::services::ecs::definition::TaskDefinition;
use crate::services::ecs::shapes::{LoadBalancer, NetworkConfiguration};
use crate::services::ecs::store::{invalid, last};
use crate::services::elbv2::DescribeTargetGroups;

/// The version that `LATEST` stands for.
pub(crate) const PLATFORM_VERSION: &str = "1.4.0";

pub(super) fn service_arn(cloud: &Cloud, cluster: &str, service: &str) -> String {
    cloud.arn("ecs", &format!("service/{cluster}/{}", last(service)))
}

/// `LATEST` is stored as the version it stands for, as AWS answers it.
pub(super) fn latest(given: Option<String>) -> String {
    given.filter(|version| version != "LATEST").unwrap_or_else(|| PLATFORM_VERSION.to_owned())
}

pub(super) fn check_network(
    network: Option<&NetworkConfiguration>,
    definition: &TaskDefinition,
) -> Result<(), ServiceError> {
    let awsvpc = definition.content.network_mode.as_deref() == Some("awsvpc");
    match network {
        None if awsvpc => {
            Err(invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified."))
        }
        Some(network) if awsvpc && network.awsvpc_configuration.subnets.is_empty() => {
            Err(invalid("subnets can not be empty."))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_load_balancers(
    load_balancers: &[LoadBalancer],
    definition: &TaskDefinition,
) -> Result<(), ServiceError> {
    for lb in load_balancers {
        let name = lb.container_name.as_deref().unwrap_or_default();
        let port = lb.container_port.unwrap_or_default();
        let container = definition.content.container_definitions.iter().find(|found| found.name == name);
        let Some(container) = container else {
            return Err(invalid(format!("The container {name} does not exist in the task definition.")));
        };
        if !container.port_mappings.iter().any(|mapping| mapping.container_port == port) {
            return Err(invalid(format!(
                "The container {name} did not have a container port {port} defined."
            )));
        }
    }
    Ok(())
}

/// ECS wants a load balancer in front of a target group before it puts tasks into it.
pub(super) async fn check_target_group(call: &Call, arn: &str) -> Result<(), ServiceError> {
    let input =
        DescribeTargetGroups { target_group_arns: vec![arn.to_owned()], ..DescribeTargetGroups::default() };
    let found = match call.cloud.call(&call.principal, input).await {
        Ok(found) => found,
        Err(error) if error.code.contains("NotFound") => {
            return Err(invalid(
                "Unable to assume role and validate the specified targetGroupArn. ".to_owned()
                    + "Please verify that the ECS service role being passed has the proper permissions.",
            ));
        }
        Err(error) => return Err(error),
    };
    match found.target_groups.first() {
        Some(group) if !group.load_balancer_arns.is_empty() => Ok(()),
        _ => Err(invalid(format!(
            "The target group with targetGroupArn {arn} does not have an associated load balancer."
        ))),
    }
}
