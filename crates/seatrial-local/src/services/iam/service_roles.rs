//! The names and the place of service-linked roles.

/// Where they lie.
pub(super) const LINKED_PATH: &str = "/aws-service-role/";

/// The name of a service's role, as the service's guide has it.
pub(super) fn role_name(service: &str) -> Option<&'static str> {
    Some(match service {
        "ecs.amazonaws.com" => "AWSServiceRoleForECS",
        "ecs.application-autoscaling.amazonaws.com" => "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "elasticloadbalancing.amazonaws.com" => "AWSServiceRoleForElasticLoadBalancing",
        "rds.amazonaws.com" => "AWSServiceRoleForRDS",
        _ => return None,
    })
}
