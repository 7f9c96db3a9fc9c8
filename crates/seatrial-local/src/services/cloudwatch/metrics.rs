//! The data of metrics: by the minute, in memory, for a week of minutes. A minute of metrics lasts as long as the time
//! scale makes it; what has happened is as old as the process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, Epoch};
use crate::metric::{Dimension, Statistics};

/// Seconds of AWS's in a minute of metrics.
pub(super) const MINUTE: i64 = 60;
/// Minutes that are kept of each metric: a week of AWS's, the longest that an alarm looks back.
const KEPT: usize = 10_080;

/// Which minute it is, counted from 1970.
#[expect(clippy::cast_possible_truncation, reason = "minutes since 1970 fit")]
pub(super) fn minute_at(clock: Clock, time: Epoch) -> i64 {
    (time.0 / clock.metric_minute()).floor() as i64
}

/// The real time at which `second` of the metrics' time began.
#[expect(clippy::cast_precision_loss, reason = "seconds of our era fit into 53 bits")]
pub(super) fn time_of(clock: Clock, second: i64) -> Epoch {
    Epoch(second as f64 / MINUTE as f64 * clock.metric_minute())
}

/// The other way round: the last second of the metrics' time that had begun.
#[expect(clippy::cast_possible_truncation, reason = "seconds of our era fit")]
#[expect(clippy::cast_precision_loss, reason = "sixty fits")]
pub(super) fn second_at(clock: Clock, time: Epoch) -> i64 {
    // A time that stands for a whole second came through a division.
    (time.0 / clock.metric_minute() * MINUTE as f64 + 1e-3).floor() as i64
}

/// What tells metrics apart; the order of dimensions does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<Dimension>,
}

impl Id {
    pub(super) fn new(namespace: &str, name: &str, dimensions: &[Dimension]) -> Self {
        let mut dimensions = dimensions.to_vec();
        dimensions.sort();
        Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }
}

/// The statistics of one stretch of a metric's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Datapoint {
    /// Seconds of the metrics' time, at its beginning.
    pub second: i64,
    pub statistics: Statistics,
}

struct Series {
    unit: String,
    /// By minute, in order.
    minutes: VecDeque<(i64, Statistics)>,
}

#[derive(Default)]
struct Kept {
    series: BTreeMap<Id, Series>,
    /// The last minute whose data is complete.
    closed: Option<i64>,
    /// The minute in which somebody set an alarm's state, by the alarm's name.
    held: BTreeMap<String, i64>,
}

#[derive(Default)]
pub(super) struct Metrics(Mutex<Kept>);

impl Metrics {
    pub(super) fn add(&self, id: Id, unit: &str, (minute, statistics): (i64, Statistics)) {
        let mut kept = self.lock();
        let new = || Series { unit: unit.to_owned(), minutes: VecDeque::new() };
        let series = kept.series.entry(id).or_insert_with(new);
        unit.clone_into(&mut series.unit);
        match series.minutes.binary_search_by_key(&minute, |known| known.0) {
            Ok(at) => series.minutes[at].1 = series.minutes[at].1.and(statistics),
            Err(at) => series.minutes.insert(at, (minute, statistics)),
        }
        while series.minutes.len() > KEPT {
            series.minutes.pop_front();
        }
    }

    /// Stretches of `period` seconds, `count` of them back from `end`, newest first; `None` where nothing was
    /// reported, or in another unit.
    pub(super) fn back_from(
        &self,
        (id, unit): (&Id, Option<&str>),
        end: i64,
        (period, count): (i64, i64),
    ) -> Vec<Option<Datapoint>> {
        let kept = self.lock();
        let series = kept.series.get(id).filter(|series| unit.is_none_or(|unit| unit == series.unit));
        (1..=count).map(|back| series?.between(end - back * period, end - (back - 1) * period)).collect()
    }

    /// The stretches of `period` seconds with data from `start` to `end`, oldest first, and their unit. They begin at
    /// multiples of the period, as on AWS.
    pub(super) fn stretches(
        &self,
        (id, unit): (&Id, Option<&str>),
        (start, end): (i64, i64),
        period: i64,
    ) -> (Vec<Datapoint>, String) {
        let kept = self.lock();
        let series = kept.series.get(id).filter(|series| unit.is_none_or(|unit| unit == series.unit));
        let Some(series) = series else { return (Vec::new(), String::new()) };
        let mut stretches = BTreeMap::<i64, Statistics>::new();
        let first = start.div_euclid(period) * period;
        for (minute, statistics) in &series.minutes {
            let second = minute * MINUTE;
            if first <= second && second < end {
                let known = stretches.entry(second.div_euclid(period) * period);
                known.and_modify(|known| *known = known.and(*statistics)).or_insert(*statistics);
            }
        }
        let points = stretches.into_iter().map(|(second, statistics)| Datapoint { second, statistics });
        (points.collect(), series.unit.clone())
    }

    /// Every metric that has data.
    pub(super) fn ids(&self) -> Vec<Id> {
        self.lock().series.keys().cloned().collect()
    }

    /// Notes that `minute` is complete; false if it was already.
    pub(super) fn close(&self, minute: i64) -> bool {
        self.lock().closed.replace(minute).is_none_or(|before| before < minute)
    }

    /// A state that was set by hand holds until a minute that began after it is complete: on AWS too until the next
    /// evaluation, which is up to a minute away.
    pub(super) fn hold(&self, alarm: &str, minute: i64) {
        self.lock().held.insert(alarm.to_owned(), minute);
    }

    pub(super) fn is_held(&self, alarm: &str, closed: i64) -> bool {
        self.lock().held.get(alarm).is_some_and(|set| closed <= *set)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn between(&self, start: i64, end: i64) -> Option<Datapoint> {
        let from = self.minutes.partition_point(|(minute, _)| minute * MINUTE < start);
        let within = self.minutes.range(from..).take_while(|(minute, _)| minute * MINUTE < end);
        let statistics = within.map(|(_, statistics)| *statistics).reduce(Statistics::and)?;
        Some(Datapoint { second: start, statistics })
    }
}
