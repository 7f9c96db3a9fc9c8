//! The table of Application Auto Scaling's operations.

use super::{
    DeleteScalingPolicy, DeregisterScalableTarget, PutScalingPolicy, RegisterScalableTarget, policies,
    targets,
};
use crate::operation::Operations;

/// Serves them all.
pub(crate) fn register(operations: &mut Operations) {
    operations.add::<RegisterScalableTarget>();
    operations.add::<targets::DescribeScalableTargets>();
    operations.add::<DeregisterScalableTarget>();
    operations.add::<PutScalingPolicy>();
    operations.add::<policies::DescribeScalingPolicies>();
    operations.add::<DeleteScalingPolicy>();
}
