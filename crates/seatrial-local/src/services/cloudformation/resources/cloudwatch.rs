//! Resource types of CloudWatch.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Flag, Number, Resource, ResourceContext, ResourceTypes, answered,
    attributes, gone,
};
use crate::error::ServiceError;
use crate::services::cloudwatch::{
    DeleteAlarms, DescribeAlarms, Dimension, PutMetricAlarm, Settings, alarm_arn,
};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Alarm>();
}

/// Members that an alarm without them does not show.
const OPTIONAL: [&str; 12] = [
    "AlarmDescription",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Unit",
    "DatapointsToAlarm",
    "Threshold",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "ThresholdMetricId",
];

struct Alarm;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AlarmProperties {
    alarm_name: Option<String>,
    alarm_description: Option<String>,
    actions_enabled: Option<Flag>,
    #[serde(rename = "OKActions")]
    ok_actions: Vec<String>,
    alarm_actions: Vec<String>,
    insufficient_data_actions: Vec<String>,
    metric_name: Option<String>,
    namespace: Option<String>,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    dimensions: Vec<Dimension>,
    period: Option<Number>,
    unit: Option<String>,
    evaluation_periods: Number,
    datapoints_to_alarm: Option<Number>,
    threshold: Option<f64>,
    comparison_operator: String,
    treat_missing_data: Option<String>,
    evaluate_low_sample_count_percentile: Option<String>,
    metrics: Vec<Value>,
    threshold_metric_id: Option<String>,
}

impl AlarmProperties {
    fn into_settings(self) -> Settings {
        Settings {
            alarm_description: self.alarm_description,
            actions_enabled: self.actions_enabled.map(|flag| flag.0),
            ok_actions: self.ok_actions,
            alarm_actions: self.alarm_actions,
            insufficient_data_actions: self.insufficient_data_actions,
            metric_name: self.metric_name,
            namespace: self.namespace,
            statistic: self.statistic,
            extended_statistic: self.extended_statistic,
            dimensions: self.dimensions,
            period: self.period.map(|number| number.0),
            unit: self.unit,
            evaluation_periods: self.evaluation_periods.0,
            datapoints_to_alarm: self.datapoints_to_alarm.map(|number| number.0),
            threshold: self.threshold,
            comparison_operator: self.comparison_operator,
            treat_missing_data: self.treat_missing_data,
            evaluate_low_sample_count_percentile: self.evaluate_low_sample_count_percentile,
            metrics: self.metrics,
            threshold_metric_id: self.threshold_metric_id,
        }
    }
}

async fn put(
    ctx: &ResourceContext,
    name: &str,
    properties: AlarmProperties,
) -> Result<Attributes, ServiceError> {
    let input = PutMetricAlarm { alarm_name: name.to_owned(), settings: properties.into_settings() };
    ctx.cloud.call(&ctx.principal, input).await?;
    Ok(attributes([("Arn", json!(alarm_arn(&ctx.cloud, name)))]))
}

impl Resource for Alarm {
    const TYPE: &'static str = "AWS::CloudWatch::Alarm";
    type Properties = AlarmProperties;

    async fn create(ctx: &ResourceContext, properties: AlarmProperties) -> Result<Created, ServiceError> {
        let name = properties.alarm_name.clone().unwrap_or_else(|| ctx.generated_name(255));
        let attributes = put(ctx, &name, properties).await?;
        Ok(Created { physical_id: name, attributes })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<AlarmProperties>,
    ) -> Result<Attributes, ServiceError> {
        put(ctx, physical_id, change.new).await
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: AlarmProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = DescribeAlarms { alarm_names: vec![id.to_owned()], ..Default::default() };
        let answer = answered(ctx.cloud.call(&ctx.principal, input).await, "ResourceNotFound")?;
        let mut found = answer.and_then(|answer| answer["MetricAlarms"].get(0).cloned());
        if let Some(alarm) = &mut found {
            // Absent means true.
            alarm["ActionsEnabled"] = json!(alarm["ActionsEnabled"] != false);
            for name in OPTIONAL {
                alarm[name] = alarm[name].clone();
            }
        }
        Ok(found)
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: AlarmProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteAlarms { alarm_names: vec![physical_id.to_owned()] };
        gone(ctx.cloud.call(&ctx.principal, input).await, "ResourceNotFound")
    }
}
