//! Alarms and their states.

use serde::{Deserialize, Serialize};

use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::persist::Table;

pub(super) const SERVICE: &str = "monitoring";

/// Alarms by name.
pub(super) struct Alarms {
    pub alarms: Table<MetricAlarm>,
}

impl Part for Alarms {
    fn open(setup: &Setup) -> Self {
        Self { alarms: setup.database.table("cloudwatch-alarms") }
    }
}

/// An alarm as `DescribeAlarms` answers it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct MetricAlarm {
    pub alarm_name: String,
    pub alarm_arn: String,
    #[serde(flatten)]
    pub settings: Settings,
    pub alarm_configuration_updated_timestamp: Option<Epoch>,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state_value: String,
    pub state_reason: String,
    pub state_updated_timestamp: Option<Epoch>,
    pub state_transitioned_timestamp: Option<Epoch>,
}

/// What `PutMetricAlarm` takes besides the name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_description: Option<String>,
    /// Absent means true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_enabled: Option<bool>,
    #[serde(rename = "OKActions")]
    pub ok_actions: Vec<String>,
    pub alarm_actions: Vec<String>,
    pub insufficient_data_actions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<String>,
    pub dimensions: Vec<Dimension>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<i64>,
    pub evaluation_periods: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    pub comparison_operator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treat_missing_data: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Dimension {
    pub name: String,
    pub value: String,
}

pub(crate) fn alarm_arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("cloudwatch", &format!("alarm:{name}"))
}
