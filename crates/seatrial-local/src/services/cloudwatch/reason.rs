//! Why an alarm is in its state, in AWS's words: as sentences, and as data.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::evaluation::{Seen, Verdict};
use super::metrics::time_of;
use super::store::Settings;
use crate::clock::{Clock, Epoch};

/// From so many values on only the newest are told, in a sentence of their own.
const MANY: usize = 5;

/// `StateReason`.
pub(super) fn sentence(settings: &Settings, verdict: &Verdict, clock: Clock) -> String {
    let periods = usize::try_from(settings.evaluation_periods).unwrap_or(1);
    if verdict.state == "INSUFFICIENT_DATA" {
        return format!("Insufficient Data: {} unknown.", were(periods, "datapoint"));
    }
    let is_alarm = verdict.state == "ALARM";
    let telling: Vec<Seen> = verdict
        .looked_at
        .iter()
        .filter(|(_, breaches)| *breaches == is_alarm)
        .map(|(seen, _)| *seen)
        .collect();
    if telling.is_empty() {
        let received = match verdict.looked_at.len() {
            0 => "no datapoints were".to_owned(),
            count => were(count, "datapoint"),
        };
        let periods = plural(periods, "period");
        return format!(
            "Threshold Crossed: {received} received for {periods} and {}.",
            filled(settings, verdict)
        );
    }
    let values: Vec<String> = telling.iter().take(MANY).map(|seen| value(seen, clock)).collect();
    let values = format!("[{}]", values.join(", "));
    let count = match settings.datapoints_to_alarm {
        Some(_) => format!("{} out of the last {periods} datapoints", telling.len()),
        None => plural(telling.len(), "datapoint"),
    };
    let verb = if telling.len() == 1 { "was" } else { "were" };
    let not = if is_alarm { "" } else { "not " };
    let threshold = java(settings.threshold.unwrap_or_default());
    let crossed = format!("{verb} {not}{} the threshold ({threshold})", comparison(settings));
    let missing = match settings.treat_missing_data.as_deref() {
        Some("breaching" | "notBreaching") if verdict.filled > 0 => {
            format!(" and {}", filled(settings, verdict))
        }
        _ => String::new(),
    };
    let least = least(settings, is_alarm);
    match (telling.len() < MANY, is_alarm) {
        (true, _) => format!("Threshold Crossed: {count} {values} {crossed}{missing}{least}."),
        (false, true) => format!(
            "Threshold Crossed: {count} {crossed}{missing}. The most recent datapoints which crossed the threshold: \
             {values}{least}."
        ),
        (false, false) => {
            format!(
                "Threshold Crossed: {count} {crossed}{missing}. The most recent datapoints: {values}{least}."
            )
        }
    }
}

/// How many it takes, which AWS tells of alarms with datapoints to alarm.
fn least(settings: &Settings, is_alarm: bool) -> String {
    let Some(needed) = settings.datapoints_to_alarm else { return String::new() };
    let (needed, change) = match is_alarm {
        true => (needed, "OK -> ALARM"),
        false => (settings.evaluation_periods - needed + 1, "ALARM -> OK"),
    };
    let needed = plural(usize::try_from(needed).unwrap_or(1), "datapoint");
    format!(" (minimum {needed} for {change} transition)")
}

fn filled(settings: &Settings, verdict: &Verdict) -> String {
    let treated = match settings.treat_missing_data.as_deref() {
        Some("breaching") => "Breaching",
        _ => "NonBreaching",
    };
    format!("{} treated as [{treated}]", were(verdict.filled, "missing datapoint"))
}

/// `StateReasonData`.
pub(super) fn data(settings: &Settings, verdict: &Verdict, (clock, now): (Clock, Epoch)) -> String {
    let at = |second: i64| stamp(time_of(clock, second));
    let oldest_first = || verdict.looked_at.iter().rev().map(|(seen, _)| seen);
    let evaluated = verdict.looked_at.iter().map(|(seen, _)| {
        json!({ "timestamp": at(seen.second), "sampleCount": seen.sample_count, "value": seen.value })
    });
    let mut data = json!({
        "version": "1.0",
        "queryDate": stamp(now),
        "statistic": settings.statistic,
        "period": settings.period,
        "recentDatapoints": oldest_first().map(|seen| seen.value).collect::<Vec<_>>(),
        "threshold": settings.threshold,
        "evaluatedDatapoints": evaluated.collect::<Vec<_>>(),
    });
    if let Some(oldest) = oldest_first().next() {
        data["startDate"] = Value::from(at(oldest.second));
    }
    data.to_string()
}

fn comparison(settings: &Settings) -> &'static str {
    match settings.comparison_operator.as_str() {
        "GreaterThanThreshold" => "greater than",
        "GreaterThanOrEqualToThreshold" => "greater than or equal to",
        "LessThanThreshold" => "less than",
        _ => "less than or equal to",
    }
}

/// `5.0 (26/11/26 10:05:00)`.
fn value(seen: &Seen, clock: Clock) -> String {
    let at = timestamp(time_of(clock, seen.second));
    format!("{} ({})", java(seen.value), at.strftime("%d/%m/%y %H:%M:%S"))
}

/// As Java writes a double.
fn java(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

fn stamp(time: Epoch) -> String {
    timestamp(time).strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of our era fit")]
fn timestamp(time: Epoch) -> Timestamp {
    Timestamp::from_millisecond((time.0 * 1000.0).round() as i64).unwrap_or_default()
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn were(count: usize, noun: &str) -> String {
    format!("{} {}", plural(count, noun), if count == 1 { "was" } else { "were" })
}
