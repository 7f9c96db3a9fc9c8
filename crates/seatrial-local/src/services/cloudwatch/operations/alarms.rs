//! Operations that make, show and delete alarms.

use serde::{Deserialize, Serialize};

use super::super::engine::is_evaluated;
use super::super::store::{Alarms, MetricAlarm, SERVICE, Settings, alarm_arn};
use super::Nothing;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Follows the reason of an alarm that will not change by itself.
const NOT_EVALUATED: &str = " (the local cloud has no data for it, or does not compute what it watches: it changes by \
                             SetAlarmState only)";
/// The longest that an alarm looks back; a week if its period is an hour or more.
const DAY: i64 = 86_400;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutMetricAlarm {
    pub alarm_name: String,
    #[serde(flatten)]
    pub settings: Settings,
}

impl Operation for PutMetricAlarm {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "PutMetricAlarm";

    fn resource(&self, cloud: &Cloud) -> String {
        alarm_arn(cloud, &self.alarm_name)
    }

    /// A new alarm waits for its first evaluation.
    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let alarms = &call.cloud.part::<Alarms>().alarms;
        let now = call.cloud.clock().now();
        if self.alarm_name.is_empty() || self.alarm_name.len() > 255 {
            return Err(ServiceError::validation("The alarm's name must be 1 to 255 characters long."));
        }
        check(&self.settings)?;
        let known = alarms.get(&self.alarm_name);
        let is_new = known.is_none();
        let mut alarm = known.unwrap_or_else(|| MetricAlarm {
            alarm_arn: alarm_arn(&call.cloud, &self.alarm_name),
            alarm_name: self.alarm_name.clone(),
            state_value: "INSUFFICIENT_DATA".to_owned(),
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
        if is_new && !is_evaluated(&call.cloud, &alarm) {
            alarm.state_reason.push_str(NOT_EVALUATED);
        }
        alarms.put(&self.alarm_name, &alarm)?;
        Ok(Nothing {})
    }
}

/// What AWS refuses besides what its model says; the words on days are AWS's.
fn check(settings: &Settings) -> Result<(), ServiceError> {
    let refuse = |why: &str| Err(ServiceError::validation(why));
    let periods = settings.evaluation_periods;
    if settings.datapoints_to_alarm.is_some_and(|needed| !(1..=periods).contains(&needed)) {
        return refuse("DatapointsToAlarm must be at least 1 and not greater than EvaluationPeriods.");
    }
    if settings.statistic.is_some() && settings.extended_statistic.is_some() {
        return refuse("Statistic and ExtendedStatistic must not both be given.");
    }
    let treatments = ["breaching", "notBreaching", "ignore", "missing"];
    if settings.treat_missing_data.as_deref().is_some_and(|treatment| !treatments.contains(&treatment)) {
        return refuse("TreatMissingData must be breaching, notBreaching, ignore or missing.");
    }
    let Some(period) = settings.period else { return Ok(()) };
    if !([10, 20, 30].contains(&period) || period > 0 && period % 60 == 0) {
        return refuse("Period must be 10, 20, 30 or a multiple of 60.");
    }
    let longest = if period < 3600 { DAY } else { 7 * DAY };
    if periods.saturating_mul(period) > longest {
        return refuse(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).",
        );
    }
    Ok(())
}

#[derive(Deserialize, Default, Serialize)]
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

#[derive(Deserialize, Serialize)]
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
