//! Reasons as AWS words them; the dates are 26 November 2026, 10:00, and the minutes after.

use serde_json::{Value, json};

use super::super::evaluation::evaluate;
use super::super::metrics::Datapoint;
use super::super::reason::sentence;
use super::settings;
use crate::clock::Clock;
use crate::metric::Statistics;

const TEN: i64 = 1_795_687_200;

/// Newest last, a minute after another; `None` is missing.
fn told(change: Value, values: &[Option<f64>]) -> String {
    let point = |(at, value): (usize, &Option<f64>)| {
        let second = TEN + at as i64 * 60;
        value.map(|value| Datapoint { second, statistics: Statistics::of(value, 1.0) })
    };
    let points: Vec<_> = values.iter().enumerate().map(point).rev().collect();
    let settings = settings(change);
    sentence(&settings, &evaluate(&settings, &points).unwrap(), Clock::new(1.0))
}

#[test]
fn reasons_are_worded_as_on_aws() {
    let one = json!({ "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold" });
    let of_one = json!({ "Threshold": 50.0, "DatapointsToAlarm": 1 });
    let three = |treatment: &str| json!({ "EvaluationPeriods": 3, "TreatMissingData": treatment });
    let two_of_three = |treatment: &str| json!({ "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "TreatMissingData": treatment });
    let five =
        json!({ "EvaluationPeriods": 6, "Threshold": 65.0, "ComparisonOperator": "LessThanThreshold" });
    let table: [(Value, &[Option<f64>], &str); 11] = [
        (
            one.clone(),
            &[Some(5.0)],
            "Threshold Crossed: 1 datapoint [5.0 (26/11/26 10:00:00)] was greater than or equal to the threshold (1.0).",
        ),
        (
            one.clone(),
            &[Some(0.048_414_022_373_287_15)],
            "Threshold Crossed: 1 datapoint [0.04841402237328715 (26/11/26 10:00:00)] was not greater than or equal to \
             the threshold (1.0).",
        ),
        (
            of_one.clone(),
            &[Some(60.0)],
            "Threshold Crossed: 1 out of the last 1 datapoints [60.0 (26/11/26 10:00:00)] was greater than the \
             threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition).",
        ),
        (
            of_one,
            &[Some(0.5)],
            "Threshold Crossed: 1 out of the last 1 datapoints [0.5 (26/11/26 10:00:00)] was not greater than the \
             threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
        ),
        (
            two_of_three("missing"),
            &[Some(2.0), Some(0.0), Some(3.0)],
            "Threshold Crossed: 2 out of the last 3 datapoints [3.0 (26/11/26 10:02:00), 2.0 (26/11/26 10:00:00)] were \
             greater than the threshold (0.5) (minimum 2 datapoints for OK -> ALARM transition).",
        ),
        (
            three("breaching"),
            &[Some(0.0), None, None],
            "Threshold Crossed: 1 datapoint [0.0 (26/11/26 10:00:00)] was not greater than the threshold (0.5) and 2 \
             missing datapoints were treated as [Breaching].",
        ),
        (
            two_of_three("breaching"),
            &[Some(0.0), None, None],
            "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as \
             [Breaching].",
        ),
        (
            json!({ "TreatMissingData": "notBreaching" }),
            &[None],
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as \
             [NonBreaching].",
        ),
        (one, &[None], "Insufficient Data: 1 datapoint was unknown."),
        (three("missing"), &[None, None, None], "Insufficient Data: 3 datapoints were unknown."),
        (
            five,
            &[Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0), Some(6.0)],
            "Threshold Crossed: 6 datapoints were less than the threshold (65.0). The most recent datapoints which \
             crossed the threshold: [6.0 (26/11/26 10:05:00), 5.0 (26/11/26 10:04:00), 4.0 (26/11/26 10:03:00), 3.0 \
             (26/11/26 10:02:00), 2.0 (26/11/26 10:01:00)].",
        ),
    ];
    for (change, values, reason) in table {
        assert_eq!(told(change.clone(), values), reason, "{change}");
    }
    let large = json!({ "Threshold": 10_000_000.0 });
    assert!(told(large, &[Some(12_500_000.0)]).contains("[1.25E7 (26/11/26 10:00:00)] was greater"));
}
