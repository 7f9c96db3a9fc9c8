//! CloudWatch: metrics of the load balancer and of the user, and alarms, which are evaluated by them each minute of the
//! metrics' time.

mod engine;
mod evaluation;
mod metrics;
mod operations;
mod reason;
mod store;

pub(crate) use crate::metric::Dimension;
pub(crate) use operations::{DeleteAlarms, DescribeAlarms, PutMetricAlarm, register};
pub(crate) use store::{MetricAlarm, Settings, alarm_arn};

use crate::cloud::Cloud;

/// Measures and evaluates from now on. What was measured before is gone: alarms see it as missing.
pub(crate) fn resume(cloud: &Cloud) {
    cloud.resume::<engine::Minutes>();
}

#[cfg(test)]
mod tests;
