//! Application Auto Scaling: targets and policies, which are kept. A target's bounds hold for its service at
//! once, as on AWS; policies scale nothing, so that what a target suspends is kept and shown, and no more.

mod operations;
mod store;

pub(crate) use operations::{
    DeleteScalingPolicy, DeregisterScalableTarget, DescribeScalableTargets, DescribeScalingPolicies,
    PutScalingPolicy, RegisterScalableTarget, register,
};
pub(crate) use store::{SuspendedState, TargetId, target_arn};

#[cfg(test)]
mod tests;
