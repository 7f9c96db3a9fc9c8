//! What the data of a metric means for an alarm: pure.
//!
//! CloudWatch looks further back than the evaluation periods, and lets what is missing count only where real data is
//! too little ("Configuring how CloudWatch alarms treat missing data").

use super::metrics::Datapoint;
use super::store::Settings;
use crate::metric::Statistics;

/// An alarm's next state, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub state: &'static str,
    /// The real data that was looked at, newest first, and whether each breaches.
    pub looked_at: Vec<(Seen, bool)>,
    /// How many periods without data were counted in the place of real data.
    pub filled: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub second: i64,
    pub value: f64,
    pub sample_count: f64,
}

/// How many periods are looked at. AWS tells its number only where it explains three periods, of which it looks at
/// five; for more periods a third more is what emulators found.
pub(super) fn range(evaluation_periods: i64) -> i64 {
    evaluation_periods + (evaluation_periods / 3).max(2)
}

/// The statistic of that name; `None`: it is a percentile or another that four numbers do not tell.
pub(super) fn statistic_of(name: &str, statistics: Statistics) -> Option<f64> {
    match name {
        "SampleCount" => Some(statistics.sample_count),
        "Average" => Some(statistics.average()),
        "Sum" => Some(statistics.sum),
        "Minimum" => Some(statistics.minimum),
        "Maximum" => Some(statistics.maximum),
        _ => None,
    }
}

fn breaches(settings: &Settings, value: f64) -> bool {
    let threshold = settings.threshold.unwrap_or_default();
    match settings.comparison_operator.as_str() {
        "GreaterThanThreshold" => value > threshold,
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "LessThanThreshold" => value < threshold,
        _ => value <= threshold,
    }
}

/// Judges the periods of the evaluation [`range`], newest first. `None`: the state stays what it is.
pub(super) fn evaluate(settings: &Settings, newest_first: &[Option<Datapoint>]) -> Option<Verdict> {
    let periods = usize::try_from(settings.evaluation_periods).unwrap_or(1);
    let needed = settings.datapoints_to_alarm.and_then(|needed| usize::try_from(needed).ok());
    let needed = needed.unwrap_or(periods);
    let real = newest_first.iter().enumerate().filter_map(|(age, point)| Some((age + 1, point.as_ref()?)));
    let real: Vec<_> = real
        .map(|(age, point)| {
            let statistic = settings.statistic.as_deref().unwrap_or("Sum");
            let value = statistic_of(statistic, point.statistics).unwrap_or_default();
            let sample_count = point.statistics.sample_count;
            (age, Seen { second: point.second, value, sample_count }, breaches(settings, value))
        })
        .take(periods)
        .collect();
    let filled = periods - real.len();
    let breaching = real.iter().filter(|(_, _, breaches)| *breaches).count();
    let treated = settings.treat_missing_data.as_deref().unwrap_or("missing");
    let counted = breaching + if treated == "breaching" { filled } else { 0 };
    // Too little data, and all of it breaches.
    let is_open = filled > 0 && breaching == real.len();
    let oldest = real.last().map(|(age, ..)| *age);
    let state = match (treated, oldest) {
        _ if counted >= needed => "ALARM",
        ("ignore", _) if is_open => return None,
        ("missing", None) => "INSUFFICIENT_DATA",
        // An alarm only where the first breach is so old that what came after it could have shown a false one.
        ("missing", Some(oldest)) if is_open && oldest >= needed => "ALARM",
        _ => "OK",
    };
    let looked_at = real.into_iter().map(|(_, seen, breaches)| (seen, breaches)).collect();
    Some(Verdict { state, looked_at, filled })
}
