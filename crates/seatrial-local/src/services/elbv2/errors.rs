//! AWS's errors of Elastic Load Balancing, with its wording.

use crate::error::ServiceError;

pub(super) fn load_balancer_not_found(arns: &str) -> ServiceError {
    ServiceError::new("LoadBalancerNotFound", format!("Load balancers '[{arns}]' not found"))
}

pub(super) fn one_load_balancer_not_found(arn: &str) -> ServiceError {
    ServiceError::new("LoadBalancerNotFound", format!("Load balancer '{arn}' not found"))
}

pub(super) fn target_group_not_found(arn: &str) -> ServiceError {
    ServiceError::new("TargetGroupNotFound", format!("Target group '{arn}' not found"))
}

pub(super) fn target_groups_not_found(names: &str) -> ServiceError {
    ServiceError::new("TargetGroupNotFound", format!("Target groups '[{names}]' not found"))
}

pub(super) fn listener_not_found(arn: &str) -> ServiceError {
    ServiceError::new("ListenerNotFound", format!("Listener '{arn}' not found"))
}

pub(super) fn listeners_not_found(arns: &str) -> ServiceError {
    ServiceError::new("ListenerNotFound", format!("One or more listeners not found: '[{arns}]'"))
}

pub(super) fn rule_not_found(arn: &str) -> ServiceError {
    ServiceError::new("RuleNotFound", format!("Rule '{arn}' not found"))
}

/// Checks a name as both load balancers and target groups have it; `what` starts the sentence.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), ServiceError> {
    let refuse = |rule: &str| Err(ServiceError::validation(format!("{what} '{name}' {rule}")));
    if name.len() > 32 {
        return refuse("cannot be longer than '32' characters");
    }
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return refuse("can only contain characters that are alphanumeric characters and hyphens(-)");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return refuse("cannot begin or end with a hyphen(-)");
    }
    Ok(())
}
