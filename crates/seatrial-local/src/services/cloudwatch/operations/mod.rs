//! The operations of CloudWatch.

mod alarms;
mod states;

pub(crate) use alarms::{DeleteAlarms, DescribeAlarms, PutMetricAlarm};

use serde::Serialize;

use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<PutMetricAlarm>();
    operations.add::<DescribeAlarms>();
    operations.add::<DeleteAlarms>();
    operations.add::<states::SetAlarmState>();
    operations.add::<states::EnableAlarmActions>();
    operations.add::<states::DisableAlarmActions>();
}

/// The answer of operations that answer nothing.
#[derive(Serialize)]
pub(crate) struct Nothing {}
