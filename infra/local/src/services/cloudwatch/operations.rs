//! The operations on alarms.

use serde::{Deserialize, Serialize};

use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::error::ServiceError;
use crate::operation::{Call, Operation, Operations};
use crate::persist::Table;

const SERVICE: &str = "monitoring";

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<PutMetricAlarm>();
    operations.add::<DescribeAlarms>();
    operations.add::<DeleteAlarms>();
    operations.add::<SetAlarmState>();
    operations.add::<EnableAlarmActions>();
    operations.add::<DisableAlarmActions>();
}

/// Alarms by name.
struct Alarms {
    alarms: Table<MetricAlarm>,
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutMetricAlarm {
    pub alarm_name: String,
    #[serde(flatten)]
    pub settings: Settings,
}

#[derive(Serialize)]
pub(crate) struct Nothing {}

pub(crate) fn alarm_arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("cloudwatch", &format!("alarm:{name}"))
}

impl Operation for PutMetricAlarm {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "PutMetricAlarm";

    fn resource(&self, cloud: &Cloud) -> String {
        alarm_arn(cloud, &self.alarm_name)
    }

    /// A new alarm has no data; where missing data are no breach, that is OK, as on AWS some moments later.
    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let alarms = &call.cloud.part::<Alarms>().alarms;
        let now = call.cloud.clock().now();
        if self.alarm_name.is_empty() || self.alarm_name.len() > 255 {
            return Err(ServiceError::validation("The alarm's name must be 1 to 255 characters long."));
        }
        let known = alarms.get(&self.alarm_name);
        let mut alarm = known.unwrap_or_else(|| MetricAlarm {
            alarm_arn: alarm_arn(&call.cloud, &self.alarm_name),
            alarm_name: self.alarm_name.clone(),
            state_value: match self.settings.treat_missing_data.as_deref() {
                Some("notBreaching") => "OK",
                _ => "INSUFFICIENT_DATA",
            }
            .to_owned(),
            state_reason: "Unchecked: Initial alarm creation".to_owned(),
            state_updated_timestamp: Some(now),
            state_transitioned_timestamp: Some(now),
            ..MetricAlarm::default()
        });
        alarm.settings = Settings {
            actions_enabled: Some(self.settings.actions_enabled.unwrap_or(true)),
            ..self.settings
        };
        alarm.alarm_configuration_updated_timestamp = Some(now);
        alarms.put(&self.alarm_name, &alarm)?;
        Ok(Nothing {})
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeAlarms {
    pub alarm_names: Vec<String>,
    pub alarm_name_prefix: Option<String>,
    pub state_value: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeAlarmsOutput {
    pub metric_alarms: Vec<MetricAlarm>,
}

impl Operation for DescribeAlarms {
    type Output = DescribeAlarmsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeAlarms";

    async fn handle(self, call: &Call) -> Result<DescribeAlarmsOutput, ServiceError> {
        let fits = |alarm: &MetricAlarm| {
            let name = &alarm.alarm_name;
            (self.alarm_names.is_empty() || self.alarm_names.contains(name))
                && self.alarm_name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
                && self.state_value.as_ref().is_none_or(|state| *state == alarm.state_value)
        };
        let alarms = call.cloud.part::<Alarms>().alarms.values();
        Ok(DescribeAlarmsOutput { metric_alarms: alarms.into_iter().filter(fits).collect() })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteAlarms {
    pub alarm_names: Vec<String>,
}

impl Operation for DeleteAlarms {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteAlarms";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let alarms = &call.cloud.part::<Alarms>().alarms;
        if let Some(name) = self.alarm_names.iter().find(|name| !alarms.contains(name)) {
            return Err(ServiceError::new("ResourceNotFound", format!("Alarm {name} does not exist.")));
        }
        for name in &self.alarm_names {
            alarms.remove(name)?;
        }
        Ok(Nothing {})
    }
}

/// Sets an alarm's state. On AWS the next evaluation of its metric sets it back; here it stays.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetAlarmState {
    pub alarm_name: String,
    pub state_value: String,
    pub state_reason: String,
}

impl Operation for SetAlarmState {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "SetAlarmState";

    fn resource(&self, cloud: &Cloud) -> String {
        alarm_arn(cloud, &self.alarm_name)
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let now = call.cloud.clock().now();
        let set = call.cloud.part::<Alarms>().alarms.update(&self.alarm_name, |alarm| {
            if alarm.state_value != self.state_value {
                alarm.state_transitioned_timestamp = Some(now);
            }
            alarm.state_value = self.state_value;
            alarm.state_reason = self.state_reason;
            alarm.state_updated_timestamp = Some(now);
        })?;
        set.ok_or_else(|| ServiceError::new("ResourceNotFound", "The alarm does not exist."))?;
        Ok(Nothing {})
    }
}

fn set_actions(cloud: &Cloud, names: &[String], enabled: bool) -> Result<Nothing, ServiceError> {
    for name in names {
        cloud.part::<Alarms>().alarms.update(name, |alarm| alarm.settings.actions_enabled = Some(enabled))?;
    }
    Ok(Nothing {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EnableAlarmActions {
    alarm_names: Vec<String>,
}

impl Operation for EnableAlarmActions {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "EnableAlarmActions";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        set_actions(&call.cloud, &self.alarm_names, true)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DisableAlarmActions {
    alarm_names: Vec<String>,
}

impl Operation for DisableAlarmActions {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DisableAlarmActions";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        set_actions(&call.cloud, &self.alarm_names, false)
    }
}
