//! What a record of requests says.

use std::collections::BTreeMap;

use super::record::{Asked, Record};

/// Words of failures that are told.
const TOLD: usize = 3;

/// The figures of a stretch of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    pub sent: usize,
    pub failed: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub slow: usize,
    pub slow_failed: usize,
    /// What failed requests met, the most frequent first, with how many did.
    pub failures: Vec<String>,
}

impl Figures {
    /// Of the requests that were due from `from` until `to`, in seconds since 1970.
    pub(crate) fn within(record: &Record, (from, to): (f64, f64)) -> Self {
        let within = |asked: &&Asked| asked.due >= from && asked.due < to;
        let fast: Vec<&Asked> = record.fast.iter().filter(within).collect();
        // What is on its way when the stretch begins is of it.
        let slow = |asked: &&Asked| asked.due + asked.took_ms / 1_000.0 >= from && asked.due < to;
        let slow: Vec<&Asked> = record.slow.iter().filter(slow).collect();
        let mut met: BTreeMap<&str, usize> = BTreeMap::new();
        for what in fast.iter().chain(&slow).filter_map(|asked| asked.failed.as_deref()) {
            *met.entry(what).or_default() += 1;
        }
        let mut met: Vec<(&str, usize)> = met.into_iter().collect();
        met.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let failed = |asked: &[&Asked]| asked.iter().filter(|asked| asked.failed.is_some()).count();
        Self {
            sent: fast.len(),
            failed: failed(&fast),
            p50_ms: percentile(&fast, 0.5),
            p99_ms: percentile(&fast, 0.99),
            slow: slow.len(),
            slow_failed: failed(&slow),
            failures: met.into_iter().take(TOLD).map(|(what, count)| format!("{count} × {what}")).collect(),
        }
    }

    /// All of them.
    pub(crate) fn of(record: &Record) -> Self {
        Self::within(record, (f64::MIN, f64::MAX))
    }
}

/// The latency that a share of the requests did not exceed, in milliseconds; zero where there are none.
fn percentile(asked: &[&Asked], share: f64) -> f64 {
    let mut took: Vec<f64> = asked.iter().map(|asked| asked.took_ms).collect();
    took.sort_by(f64::total_cmp);
    let rank = (took.len() as f64 * share).ceil() as usize;
    took.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
