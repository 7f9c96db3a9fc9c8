//! CloudWatch: alarms, which are kept and whose state is set from outside. No metric is evaluated.

mod operations;

pub(crate) use operations::{DeleteAlarms, Dimension, PutMetricAlarm, Settings, alarm_arn, register};
