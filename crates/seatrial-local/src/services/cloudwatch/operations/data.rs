//! Operations on the data of metrics.
//!
//! A period is one of the metrics' time, as it is for alarms: 60 is one minute of metrics, however short the time scale
//! makes it. Times are real.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::evaluation::statistic_of;
use super::super::metrics::{Datapoint, Id, MINUTE, minute_at, second_at, time_of};
use super::super::store::{Alarms, SERVICE};
use super::Nothing;
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::metric::{Dimension, Statistics};
use crate::operation::{Call, Operation};

/// The most datapoints that one `GetMetricStatistics` may ask for, on AWS.
const MOST: f64 = 1440.0;

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterValue", message)
}

fn contradictory(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterCombination", message)
}

/// Takes data of the user's own metrics, which is kept by the minute until the local cloud ends.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct PutMetricData {
    namespace: String,
    #[serde(default)]
    metric_data: Vec<Datum>,
    #[serde(default)]
    entity_metric_data: Vec<Value>,
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Datum {
    metric_name: String,
    dimensions: Vec<Dimension>,
    timestamp: Option<Epoch>,
    value: Option<f64>,
    statistic_values: Option<Statistics>,
    values: Vec<f64>,
    counts: Vec<f64>,
    unit: Option<String>,
}

impl Datum {
    /// Values come alone, as statistics, or as many with a count each.
    /// `number`: which of the call's it is, from 1. Recorded: `test_put_metric_data_validation`.
    fn statistics(&self, number: usize) -> Result<Statistics, ServiceError> {
        let name = &self.metric_name;
        let at = format!("MetricData.member.{number}");
        let both = |other: &str| {
            contradictory(format!(
                "The parameters {at}.Value and {at}.{other} are mutually exclusive and you have specified both."
            ))
        };
        if self.value.is_some() && !self.values.is_empty() {
            return Err(both("Values"));
        }
        if self.value.is_some() && self.statistic_values.is_some() {
            return Err(both("StatisticValues"));
        }
        match (self.value, self.statistic_values, self.values.as_slice()) {
            (Some(value), None, []) => Ok(Statistics::of(value, 1.0)),
            (None, Some(statistics), []) => Ok(statistics),
            (None, None, [_, ..]) => {
                if !self.counts.is_empty() && self.counts.len() != self.values.len() {
                    return Err(invalid(format!(
                        "The parameters {at}.Values and {at}.Counts must be of the same size."
                    )));
                }
                let counts = self.counts.iter().copied().chain(std::iter::repeat(1.0));
                let each = self.values.iter().zip(counts).map(|(value, count)| Statistics::of(*value, count));
                each.reduce(Statistics::and)
                    .ok_or_else(|| invalid(format!("The metric {name} has no value.")))
            }
            _ => Err(contradictory(format!(
                "The metric {name} must have exactly one of Value, Values and StatisticValues."
            ))),
        }
    }
}

impl Operation for PutMetricData {
    type Output = Nothing;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "PutMetricData";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        if self.namespace.starts_with("AWS/") {
            return Err(invalid("The value AWS/ for parameter Namespace is invalid."));
        }
        if !self.entity_metric_data.is_empty() {
            return Err(invalid("The local cloud does not know entities of metrics (EntityMetricData)."));
        }
        let (clock, now) = (call.cloud.clock(), call.cloud.clock().now());
        let data =
            self.metric_data.iter().zip(1..).map(|(datum, number)| Ok((datum, datum.statistics(number)?)));
        let data = data.collect::<Result<Vec<_>, ServiceError>>()?;
        let alarms = call.cloud.part::<Alarms>();
        for (datum, statistics) in data {
            let id = Id::new(&self.namespace, &datum.metric_name, &datum.dimensions);
            let minute = minute_at(clock, datum.timestamp.unwrap_or(now));
            alarms.metrics.add(id, datum.unit.as_deref().unwrap_or("None"), (minute, statistics));
        }
        Ok(Nothing {})
    }
}

/// A metric's stretches between two times, with the metric's unit.
fn stretches(
    cloud: &Cloud,
    (id, unit): (&Id, Option<&str>),
    (start, end): (Epoch, Epoch),
    period: i64,
) -> Result<(Vec<Datapoint>, String), ServiceError> {
    if start >= end {
        return Err(invalid("The parameter StartTime must be less than the parameter EndTime."));
    }
    if !([1, 5, 10, 20, 30].contains(&period) || period > 0 && period % MINUTE == 0) {
        return Err(invalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."));
    }
    let clock = cloud.clock();
    let span = (second_at(clock, start), second_at(clock, end));
    Ok(cloud.part::<Alarms>().metrics.stretches((id, unit), span, period))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct GetMetricStatistics {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: Epoch,
    end_time: Epoch,
    period: i64,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
    unit: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct GetMetricStatisticsOutput {
    label: String,
    datapoints: Vec<Map<String, Value>>,
}

impl Operation for GetMetricStatistics {
    type Output = GetMetricStatisticsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetMetricStatistics";

    /// A time scale above 1 makes more datapoints of the same time than AWS would: they are all answered, and the limit
    /// is AWS's for the time and the period asked for.
    async fn handle(self, call: &Call) -> Result<GetMetricStatisticsOutput, ServiceError> {
        if !self.extended_statistics.is_empty() {
            return Err(contradictory("The local cloud does not compute ExtendedStatistics."));
        }
        if self.statistics.is_empty() {
            return Err(contradictory(
                "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
            ));
        }
        #[expect(clippy::cast_precision_loss, reason = "a period fits")]
        let asked = ((self.end_time.0 - self.start_time.0) / self.period.max(1) as f64).ceil();
        if asked > MOST {
            return Err(contradictory(format!(
                "You have requested up to {asked} datapoints, which exceeds the limit of 1440. You may reduce the \
                 datapoints requested by increasing Period, or decreasing the time range."
            )));
        }
        let id = Id::new(&self.namespace, &self.metric_name, &self.dimensions);
        let span = (self.start_time, self.end_time);
        let (points, unit) = stretches(&call.cloud, (&id, self.unit.as_deref()), span, self.period)?;
        let datapoint = |point: &Datapoint| {
            let at = time_of(call.cloud.clock(), point.second);
            let fixed = [("Timestamp", json!(at)), ("Unit", json!(unit))];
            let asked = self
                .statistics
                .iter()
                .filter_map(|name| Some((name.as_str(), json!(statistic_of(name, point.statistics)?))));
            fixed.into_iter().chain(asked).map(|(name, value)| (name.to_owned(), value)).collect()
        };
        Ok(GetMetricStatisticsOutput {
            label: self.metric_name,
            datapoints: points.iter().map(datapoint).collect(),
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct GetMetricData {
    metric_data_queries: Vec<Query>,
    start_time: Epoch,
    end_time: Epoch,
    scan_by: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: String,
    metric_stat: Option<MetricStat>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
    unit: Option<String>,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Metric {
    namespace: String,
    metric_name: String,
    dimensions: Vec<Dimension>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct GetMetricDataOutput {
    metric_data_results: Vec<Value>,
    messages: Vec<Value>,
}

impl Operation for GetMetricData {
    type Output = GetMetricDataOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetMetricData";

    async fn handle(self, call: &Call) -> Result<GetMetricDataOutput, ServiceError> {
        let is_ascending = self.scan_by.as_deref() == Some("TimestampAscending");
        let mut results = Vec::new();
        for query in &self.metric_data_queries {
            let Some(asked) = &query.metric_stat else {
                return Err(ServiceError::validation(format!(
                    "The local cloud does not compute expressions: query {} must have a MetricStat.",
                    query.id
                )));
            };
            let metric = &asked.metric;
            let id = Id::new(&metric.namespace, &metric.metric_name, &metric.dimensions);
            let span = (self.start_time, self.end_time);
            let (mut points, _) = stretches(&call.cloud, (&id, asked.unit.as_deref()), span, asked.period)?;
            if !is_ascending {
                points.reverse();
            }
            let values: Option<Vec<f64>> =
                points.iter().map(|point| statistic_of(&asked.stat, point.statistics)).collect();
            let Some(values) = values else {
                return Err(ServiceError::validation(format!(
                    "The local cloud does not compute the statistic {}.",
                    asked.stat
                )));
            };
            if query.return_data == Some(false) {
                continue;
            }
            let times: Vec<_> =
                points.iter().map(|point| time_of(call.cloud.clock(), point.second)).collect();
            results.push(json!({
                "Id": query.id,
                "Label": query.label.as_ref().unwrap_or(&metric.metric_name),
                "Timestamps": times,
                "Values": values,
                "StatusCode": "Complete",
            }));
        }
        Ok(GetMetricDataOutput { metric_data_results: results, messages: Vec::new() })
    }
}

/// Metrics that have data.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in super::super) struct ListMetrics {
    namespace: Option<String>,
    metric_name: Option<String>,
    dimensions: Vec<DimensionFilter>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DimensionFilter {
    name: String,
    value: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct ListMetricsOutput {
    metrics: Vec<Metric>,
}

impl Operation for ListMetrics {
    type Output = ListMetricsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ListMetrics";

    async fn handle(self, call: &Call) -> Result<ListMetricsOutput, ServiceError> {
        let has = |id: &Id, filter: &DimensionFilter| {
            let mut dimensions = id.dimensions.iter().filter(|dimension| dimension.name == filter.name);
            dimensions.any(|dimension| filter.value.as_ref().is_none_or(|value| *value == dimension.value))
        };
        let fits = |id: &Id| {
            self.namespace.as_ref().is_none_or(|namespace| *namespace == id.namespace)
                && self.metric_name.as_ref().is_none_or(|name| *name == id.name)
                && self.dimensions.iter().all(|filter| has(id, filter))
        };
        let ids = call.cloud.part::<Alarms>().metrics.ids().into_iter().filter(fits);
        let metric =
            |id: Id| Metric { namespace: id.namespace, metric_name: id.name, dimensions: id.dimensions };
        Ok(ListMetricsOutput { metrics: ids.map(metric).collect() })
    }
}
