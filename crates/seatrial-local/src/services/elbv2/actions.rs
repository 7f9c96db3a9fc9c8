//! Default actions as AWS takes and shows them.

use super::errors;
use super::shapes::{Action, ForwardConfig, Stickiness, WeightedTargetGroup};
use super::store::Elb;
use crate::error::ServiceError;

/// Checks the default actions of a listener of `load_balancer_arn`, and brings them into the form AWS shows.
pub(super) fn check(
    elb: &Elb,
    load_balancer_arn: &str,
    actions: Vec<Action>,
) -> Result<Vec<Action>, ServiceError> {
    if actions.len() != 1 {
        let message = "the local cloud serves listeners with exactly one default action";
        return Err(ServiceError::validation(message));
    }
    actions.into_iter().map(|action| check_one(elb, load_balancer_arn, action)).collect()
}

fn check_one(elb: &Elb, load_balancer_arn: &str, action: Action) -> Result<Action, ServiceError> {
    let missing = |config: &str| {
        Err(ServiceError::validation(format!("You must specify a {config} for '{}' actions", action.kind)))
    };
    match action.kind.as_str() {
        "redirect" if action.redirect_config.is_none() => missing("redirect config"),
        "fixed-response" if action.fixed_response_config.is_none() => missing("fixed response config"),
        "redirect" | "fixed-response" => Ok(action),
        "forward" => forward(elb, load_balancer_arn, action),
        kind => Err(ServiceError::validation(format!(
            "default actions of type '{kind}' are not served by the local cloud"
        ))),
    }
}

fn forward(elb: &Elb, load_balancer_arn: &str, action: Action) -> Result<Action, ServiceError> {
    let short = action.target_group_arn.clone();
    let config = action.forward_config.clone().filter(|config| !config.target_groups.is_empty());
    let ForwardConfig { mut target_groups, target_group_stickiness_config } = match (config, short) {
        (Some(config), Some(arn))
            if !config.target_groups.iter().all(|group| group.target_group_arn == arn) =>
        {
            let message = "You can specify both a target group list and a top-level target group ARN only if \
                           the ARNs match";
            return Err(ServiceError::new("InvalidLoadBalancerAction", message));
        }
        (Some(config), _) => config,
        (None, Some(target_group_arn)) => ForwardConfig {
            target_groups: vec![WeightedTargetGroup { target_group_arn, weight: None }],
            target_group_stickiness_config: None,
        },
        (None, None) => {
            return Err(ServiceError::validation("You must specify a target group for 'forward' actions"));
        }
    };
    if target_groups.len() > 5 {
        let message = "You cannot specify more than 5 target groups per action";
        return Err(ServiceError::new("TooManyUniqueTargetGroupsPerLoadBalancer", message));
    }
    for group in &mut target_groups {
        let weight = *group.weight.get_or_insert(1);
        if !(0..=999).contains(&weight) {
            let message = format!("Target group weight '{weight}' must be between 0 and 999");
            return Err(ServiceError::validation(message));
        }
        check_group(elb, load_balancer_arn, &group.target_group_arn)?;
    }
    let target_group_arn = match target_groups.as_slice() {
        [only] => Some(only.target_group_arn.clone()),
        _ => None,
    };
    let stickiness = target_group_stickiness_config;
    let stickiness = stickiness.unwrap_or(Stickiness { enabled: false, duration_seconds: None });
    let config = ForwardConfig { target_groups, target_group_stickiness_config: Some(stickiness) };
    Ok(Action { target_group_arn, forward_config: Some(config), ..action })
}

/// The group exists and serves no other load balancer.
fn check_group(elb: &Elb, load_balancer_arn: &str, arn: &str) -> Result<(), ServiceError> {
    if !elb.target_groups.contains(arn) {
        return Err(errors::target_groups_not_found(arn));
    }
    if elb.load_balancers_of(arn).iter().all(|other| other == load_balancer_arn) {
        return Ok(());
    }
    Err(ServiceError::new(
        "TargetGroupAssociationLimit",
        format!("The following target groups cannot be associated with more than one load balancer: {arn}"),
    ))
}
