//! Application Auto Scaling: targets and policies, which are kept. A target's bounds hold for its service at
//! once, as on AWS; policies scale nothing.

mod operations;
mod store;

pub(crate) use operations::{
    DeleteScalingPolicy, DeregisterScalableTarget, DescribeScalableTargets, DescribeScalingPolicies,
    PutScalingPolicy, RegisterScalableTarget, register,
};
pub(crate) use store::{TargetId, target_arn};
