//! The end of each minute of metrics: services are asked what they measured, then every alarm is judged by it.

use std::time::Duration;

use super::evaluation::{evaluate, range};
use super::metrics::{Id, MINUTE, minute_at, time_of};
use super::reason;
use super::store::{Alarms, MetricAlarm};
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::error::ServiceError;

/// The one engine of all metrics and alarms; its record is the minute.
pub(super) struct Minutes;

/// The key of its record.
const MINUTES: &str = "minutes";

impl Engine for Minutes {
    const NAME: &'static str = "cloudwatch-minutes";
    const ENDS: bool = false;

    fn in_flight(_cloud: &Cloud) -> Vec<String> {
        vec![MINUTES.to_owned()]
    }

    async fn step(cloud: &Cloud, _key: &str) -> Next {
        let clock = cloud.clock();
        let minute = minute_at(clock, clock.now());
        if let Err(error) = close(cloud, minute - 1) {
            tracing::error!(%error, "alarms could not be evaluated");
        }
        let end = time_of(clock, (minute + 1) * MINUTE);
        Next::After(end.since(clock.now()).max(Duration::from_millis(1)))
    }
}

/// Gathers what happened up to the end of `minute` and judges by it; nothing if that was done.
pub(super) fn close(cloud: &Cloud, minute: i64) -> Result<(), ServiceError> {
    let alarms = cloud.part::<Alarms>();
    if !alarms.metrics.close(minute) {
        return Ok(());
    }
    for meter in cloud.operations().meters() {
        for measured in (meter.measure)(cloud) {
            let id = Id::new(meter.namespace, measured.name, &measured.dimensions);
            alarms.metrics.add(id, measured.unit, (minute, measured.statistics));
        }
    }
    for alarm in alarms.alarms.values() {
        if is_evaluated(cloud, &alarm) && !alarms.metrics.is_held(&alarm.alarm_name, minute) {
            judge(cloud, &alarms, &alarm, minute)?;
        }
    }
    Ok(())
}

/// Whether the alarm watches one statistic of a metric that has data here: one that services of this local cloud
/// measure, or one of the user's own. The others change by `SetAlarmState` only.
pub(super) fn is_evaluated(cloud: &Cloud, alarm: &MetricAlarm) -> bool {
    let settings = &alarm.settings;
    let (Some(namespace), Some(name)) = (&settings.namespace, &settings.metric_name) else { return false };
    let is_simple = settings.statistic.is_some()
        && settings.period.is_some()
        && settings.threshold.is_some()
        && !settings.comparison_operator.ends_with("UpperThreshold")
        && !settings.comparison_operator.ends_with("LowerThreshold");
    let is_measured = cloud
        .operations()
        .meters()
        .iter()
        .any(|meter| meter.namespace == namespace && meter.metrics.contains(&name.as_str()));
    is_simple && (is_measured || !namespace.starts_with("AWS/"))
}

/// A state is written when it changes, with the reason of the change.
fn judge(cloud: &Cloud, alarms: &Alarms, alarm: &MetricAlarm, minute: i64) -> Result<(), ServiceError> {
    let settings = &alarm.settings;
    let id = Id::new(
        settings.namespace.as_deref().unwrap_or_default(),
        settings.metric_name.as_deref().unwrap_or_default(),
        &settings.dimensions,
    );
    let wanted = (settings.period.unwrap_or(MINUTE), range(settings.evaluation_periods));
    let points = alarms.metrics.back_from((&id, settings.unit.as_deref()), (minute + 1) * MINUTE, wanted);
    let Some(verdict) = evaluate(settings, &points) else { return Ok(()) };
    if verdict.state == alarm.state_value {
        return Ok(());
    }
    let (clock, now) = (cloud.clock(), cloud.clock().now());
    let reason = reason::sentence(settings, &verdict, clock);
    let data = reason::data(settings, &verdict, (clock, now));
    alarms.alarms.update(&alarm.alarm_name, |current| {
        // Somebody may have changed it meanwhile: then the next minute judges.
        if current.settings == *settings && current.state_updated_timestamp == alarm.state_updated_timestamp {
            current.change_state(verdict.state, reason, Some(data), now);
        }
    })?;
    Ok(())
}
