//! The operations of CloudWatch.

mod alarms;
mod data;
mod register;
mod states;

pub(crate) use alarms::{DeleteAlarms, DescribeAlarms, PutMetricAlarm};
pub(crate) use register::register;

use serde::Serialize;

/// The answer of operations that answer nothing.
#[derive(Serialize)]
pub(crate) struct Nothing {}
