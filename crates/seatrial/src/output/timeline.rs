//! A Gantt chart of what was done together: a bar for each stack, and the critical path among them.

mod svg;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::event::{Phase, between, took};
use super::record::{Operation, Span};
use super::width::cut;

/// The columns of a terminal, and of the parts of a row in it.
const COLUMNS: usize = 80;
const NAME: usize = 18;
const CHART: usize = 28;
const CHART_WIDTH: f64 = 28.0;

/// What waits for what: names, as the timeline shows them.
pub(crate) type After = BTreeMap<String, BTreeSet<String>>;

/// The chart. `Display` is its text.
#[derive(Debug, Serialize)]
pub(crate) struct Timeline {
    #[serde(serialize_with = "moment")]
    began: Timestamp,
    #[serde(serialize_with = "moment")]
    ended: Timestamp,
    bars: Vec<Bar>,
}

/// One stack, or something else that was made.
#[derive(Debug, Serialize)]
struct Bar {
    name: String,
    #[serde(serialize_with = "moment")]
    began: Timestamp,
    #[serde(serialize_with = "moment")]
    ended: Timestamp,
    /// The last status that was seen.
    status: String,
    failed: bool,
    /// Nothing after it could begin before it had ended.
    critical: bool,
    resources: Vec<Thin>,
}

/// One resource.
#[derive(Debug, Serialize)]
struct Thin {
    logical_id: String,
    resource_type: String,
    #[serde(serialize_with = "moment")]
    began: Timestamp,
    #[serde(serialize_with = "moment")]
    ended: Timestamp,
    status: String,
    failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Timeline {
    /// The chart of these operations; none where there was none. Names are shown without `prefix`. What failed and was
    /// done again is one bar.
    pub(crate) fn of(operations: Vec<Operation>, prefix: &str, after: &After) -> Option<Self> {
        let mut bars: Vec<Bar> = Vec::new();
        for operation in operations {
            let own = operation.own;
            let name = own.name.strip_prefix(prefix).unwrap_or(&own.name).to_owned();
            let at = bars.iter().position(|bar| bar.name == name).unwrap_or_else(|| {
                bars.push(Bar::new(name, own.began));
                bars.len() - 1
            });
            let Some(bar) = bars.get_mut(at) else { continue };
            bar.ended = bar.ended.max(own.ended);
            (bar.status, bar.failed) = (own.status, own.phase == Phase::Failed);
            bar.resources.extend(operation.resources.into_iter().map(Thin::of));
        }
        let began = bars.iter().map(|bar| bar.began).min()?;
        let ended = bars.iter().map(|bar| bar.ended).max()?;
        for name in critical(&bars, after) {
            bars.iter_mut().filter(|bar| bar.name == name).for_each(|bar| bar.critical = true);
        }
        Some(Self { began, ended, bars })
    }

    fn took(&self) -> Duration {
        between(self.began, self.ended)
    }

    /// Where a moment lies in the whole: 0 at its beginning, 1 at its end.
    fn place(&self, moment: Timestamp) -> f64 {
        let whole = self.took().as_secs_f64();
        if whole > 0.0 { between(self.began, moment).as_secs_f64() / whole } else { 0.0 }
    }
}

impl Bar {
    fn new(name: String, began: Timestamp) -> Self {
        let status = String::new();
        Self { name, began, ended: began, status, failed: false, critical: false, resources: Vec::new() }
    }

    fn took(&self) -> Duration {
        between(self.began, self.ended)
    }

    /// The resource that took longest; one that failed says more.
    fn slowest(&self) -> Option<&Thin> {
        let failed = self.resources.iter().filter(|resource| resource.failed);
        let by_time = |resource: &&Thin| resource.took();
        failed.max_by_key(by_time).or_else(|| self.resources.iter().max_by_key(by_time))
    }
}

impl Thin {
    fn of(span: Span) -> Self {
        Self {
            failed: span.phase == Phase::Failed,
            logical_id: span.name,
            resource_type: span.kind,
            began: span.began,
            ended: span.ended,
            status: span.status,
            reason: span.reason,
        }
    }

    fn took(&self) -> Duration {
        between(self.began, self.ended)
    }
}

/// As RFC 3339 has it.
fn moment<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

/// The path that was: from what ended last to what of its needs ended last, and so on. What did nothing hands on its own
/// needs.
fn critical(bars: &[Bar], after: &After) -> Vec<String> {
    let mut path = Vec::new();
    let mut next = bars.iter().max_by_key(|bar| bar.ended);
    while let Some(bar) = next {
        path.push(bar.name.clone());
        let needs = needs(&bar.name, bars, after);
        let before = bars.iter().filter(|other| needs.contains(&other.name) && !path.contains(&other.name));
        next = before.max_by_key(|other| other.ended);
    }
    path
}

/// The bars that one waits for.
fn needs(name: &str, bars: &[Bar], after: &After) -> BTreeSet<String> {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut left = vec![name];
    while let Some(name) = left.pop() {
        for other in after.get(name).into_iter().flatten().filter(|other| seen.insert(other.as_str())) {
            match bars.iter().any(|bar| bar.name == *other) {
                true => drop(found.insert(other.clone())),
                false => left.push(other),
            }
        }
    }
    found
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (began, ended) = (self.began.strftime("%H:%M:%S"), self.ended.strftime("%H:%M:%S"));
        writeln!(f, "timeline, {began} to {ended} UTC ({}); # critical path, x failed", took(self.took()))?;
        for bar in &self.bars {
            let slowest =
                bar.slowest().map(|slowest| format!("{} {}", took(slowest.took()), slowest.logical_id));
            let line = format!(
                "{:<NAME$} {} {:>7}  {}",
                cut(&bar.name, NAME),
                self.drawn(bar),
                took(bar.took()),
                slowest.unwrap_or_default()
            );
            writeln!(f, "{}", cut(line.trim_end(), COLUMNS))?;
        }
        Ok(())
    }
}

impl Timeline {
    /// At least one column, however short it was.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "columns of a chart: 0 to 28"
    )]
    fn drawn(&self, bar: &Bar) -> String {
        let column = |moment| self.place(moment) * CHART_WIDTH;
        let first = (column(bar.began).floor() as usize).min(CHART - 1);
        let end = (column(bar.ended).ceil() as usize).clamp(first + 1, CHART);
        let mark = match (bar.failed, bar.critical) {
            (true, _) => "x",
            (_, true) => "#",
            _ => "=",
        };
        format!("{}{}{}", ".".repeat(first), mark.repeat(end - first), ".".repeat(CHART - end))
    }
}

#[cfg(test)]
mod tests;
