//! Metrics: what services measure of themselves by the minute, and CloudWatch keeps.

use serde::{Deserialize, Serialize};

/// One coordinate of a metric: `LoadBalancer`, `app/myapp/0123456789abcdef`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Dimension {
    pub name: String,
    pub value: String,
}

/// Many values in four numbers, as CloudWatch keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Statistics {
    pub sample_count: f64,
    pub sum: f64,
    pub minimum: f64,
    pub maximum: f64,
}

impl Statistics {
    /// `value`, seen `count` times.
    pub(crate) fn of(value: f64, count: f64) -> Self {
        Self { sample_count: count, sum: value * count, minimum: value, maximum: value }
    }

    /// Of the values of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            sample_count: self.sample_count + other.sample_count,
            sum: self.sum + other.sum,
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
        }
    }

    pub(crate) fn average(self) -> f64 {
        self.sum / self.sample_count
    }
}

/// What a service measured in one metric minute; its namespace stands in the service's meter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub name: &'static str,
    pub dimensions: Vec<Dimension>,
    /// AWS's: `Count`, `Seconds`.
    pub unit: &'static str,
    pub statistics: Statistics,
}
