//! The table of CloudWatch's operations.

use super::{DeleteAlarms, DescribeAlarms, PutMetricAlarm, states};
use crate::operation::Operations;

/// Serves them all.
pub(crate) fn register(operations: &mut Operations) {
    operations.add::<PutMetricAlarm>();
    operations.add::<DescribeAlarms>();
    operations.add::<DeleteAlarms>();
    operations.add::<states::SetAlarmState>();
    operations.add::<states::EnableAlarmActions>();
    operations.add::<states::DisableAlarmActions>();
}
