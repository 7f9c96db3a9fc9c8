//! Application Auto Scaling: targets and policies, which are kept. A target's bounds hold for its service at
//! once, as on AWS; policies scale nothing.

mod operations;

pub(crate) use operations::{
    DeleteScalingPolicy, DeregisterScalableTarget, PutScalingPolicy, RegisterScalableTarget, TargetId,
    register, target_arn,
};
