//! CloudWatch: alarms, which are kept and whose state is set from outside. No metric is evaluated.

mod operations;
mod store;

pub(crate) use operations::{DeleteAlarms, DescribeAlarms, PutMetricAlarm, register};
pub(crate) use store::{Dimension, MetricAlarm, Settings, alarm_arn};
