//! `app.probe`: how the application is asked while a release shifts its traffic.

use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

use super::rules::HealthCheckPath;

/// How the application is asked, and which answers are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Starts with `/`.
    pub path: String,
    /// The answers that count as good.
    pub expect: Statuses,
    /// Requests a second; none at 0.
    pub rate: u32,
    /// So many requests may fail within ten seconds once traffic shifts; one more stops the deployment.
    pub budget: u32,
}

/// The most requests a second: more would measure the machine that asks.
const MOST: u32 = 1_000;

/// `app.probe` as it stands in the file; in an environment what differs there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProbeSettings {
    path: Option<HealthCheckPath>,
    expect: Option<Statuses>,
    rate: Option<Rate>,
    budget: Option<u32>,
}

impl ProbeSettings {
    pub(super) fn or(self, base: &Self) -> Self {
        Self {
            path: self.path.or_else(|| base.path.clone()),
            expect: self.expect.or_else(|| base.expect.clone()),
            rate: self.rate.or(base.rate),
            budget: self.budget.or(base.budget),
        }
    }

    /// What is not said is the health check's: its path, and 200, the only status that it takes for healthy.
    pub(super) fn resolved(self, health_check_path: &str) -> Probe {
        Probe {
            path: self.path.map_or_else(|| health_check_path.to_owned(), |path| path.to_string()),
            expect: self.expect.unwrap_or_default(),
            rate: self.rate.map_or(20, |rate| rate.0),
            budget: self.budget.unwrap_or(5),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct Rate(u32);

impl TryFrom<u32> for Rate {
    type Error = String;

    fn try_from(rate: u32) -> Result<Self, Self::Error> {
        if rate <= MOST { Ok(Self(rate)) } else { Err(format!("must be at most {MOST}, found `{rate}`")) }
    }
}

/// HTTP statuses as a target group's matcher has them: `200`, `200,301` or `200-399`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// One range after the other, as they were typed.
    pub fn ranges(&self) -> &[RangeInclusive<u16>] {
        &self.0
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![200..=200])
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        f.write_str(&self.0.iter().map(text).collect::<Vec<_>>().join(","))
    }
}

impl From<Statuses> for String {
    fn from(statuses: Statuses) -> Self {
        statuses.to_string()
    }
}

impl TryFrom<String> for Statuses {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let status = |text: &str| text.parse::<u16>().ok().filter(|code| (100..=599).contains(code));
        let range = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let range = status(first)?..=status(last)?;
            (!range.is_empty()).then_some(range)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(str::trim).map(range).collect();
        ranges.map(Self).ok_or("must be HTTP statuses such as `200`, `200,301` or `200-399`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_single_ones_lists_and_ranges() {
        let parse = |text: &str| Statuses::try_from(text.to_owned());
        let statuses = parse("200, 301,400-404").unwrap();
        assert_eq!(statuses.ranges(), [200..=200, 301..=301, 400..=404]);
        assert_eq!(statuses.to_string(), "200,301,400-404");
        for refused in ["", "2xx", "99", "600", "300-200", "200,", "-200"] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }
}
