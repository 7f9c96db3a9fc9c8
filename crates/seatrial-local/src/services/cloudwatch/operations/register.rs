//! The table of CloudWatch's operations.

use super::{DeleteAlarms, DescribeAlarms, PutMetricAlarm, data, states};
use crate::operation::Operations;

/// Serves them all.
pub(crate) fn register(operations: &mut Operations) {
    operations.add::<PutMetricAlarm>();
    operations.add::<DescribeAlarms>();
    operations.add::<DeleteAlarms>();
    operations.add::<data::GetMetricData>();
    operations.add::<data::GetMetricStatistics>();
    operations.add::<data::ListMetrics>();
    operations.add::<data::PutMetricData>();
    operations.add::<states::SetAlarmState>();
    operations.add::<states::EnableAlarmActions>();
    operations.add::<states::DisableAlarmActions>();
}
