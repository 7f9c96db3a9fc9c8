//! Alarms and their states, and the data they are judged by.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::metrics::Metrics;
use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::metric::Dimension;
use crate::persist::Table;

pub(super) const SERVICE: &str = "monitoring";

/// Alarms by name.
pub(super) struct Alarms {
    pub alarms: Table<MetricAlarm>,
    pub metrics: Metrics,
}

impl Part for Alarms {
    fn open(setup: &Setup) -> Self {
        Self { alarms: setup.database.table("cloudwatch-alarms"), metrics: Metrics::default() }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason_data: Option<String>,
    pub state_updated_timestamp: Option<Epoch>,
    pub state_transitioned_timestamp: Option<Epoch>,
}

impl MetricAlarm {
    /// Notes the state it is in since `now`, and why.
    pub(super) fn change_state(&mut self, state: &str, reason: String, data: Option<String>, now: Epoch) {
        if self.state_value != state {
            self.state_transitioned_timestamp = Some(now);
        }
        state.clone_into(&mut self.state_value);
        self.state_reason = reason;
        self.state_reason_data = data;
        self.state_updated_timestamp = Some(now);
    }
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
    /// A percentile or a trimmed mean: kept, not evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_statistic: Option<String>,
    pub dimensions: Vec<Dimension>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    pub evaluation_periods: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    pub comparison_operator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treat_missing_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_low_sample_count_percentile: Option<String>,
    /// Metric math: kept, not evaluated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_metric_id: Option<String>,
}

pub(crate) fn alarm_arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("cloudwatch", &format!("alarm:{name}"))
}
