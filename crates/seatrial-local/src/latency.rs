//! How long resources take to be made, changed and deleted: by type, from a file, as on AWS.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

pub(crate) use seatrial_actions::Handling;
use seatrial_template::{Diagnostic, Document};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// No resource of AWS takes a day.
const MAXIMUM_SECONDS: f64 = 86_400.0;

/// For each type the time that AWS takes at the least; a type that is not there takes none.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    by_type: BTreeMap<String, Latency>,
}

/// Why a file of latencies was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LatencyError {
    #[error("failed to read `{path}`: {source}")]
    Read { path: String, source: std::io::Error },
    /// Led by the place in the file.
    #[error(transparent)]
    Invalid(Diagnostic),
}

impl Latencies {
    /// Reads YAML or JSON: resource types, and for each the seconds that AWS takes, or a map of `create`, `update` and
    /// `delete` to seconds, of which those that are left out are none. Seconds are 0 to 86,400, with fractions.
    /// `is_type` knows the types there are.
    pub(crate) fn read(path: &Path, is_type: impl Fn(&str) -> bool) -> Result<Self, LatencyError> {
        let shown = path.display().to_string();
        match std::fs::read(path) {
            Ok(text) => Self::parse(&shown, &text, is_type).map_err(LatencyError::Invalid),
            Err(source) => Err(LatencyError::Read { path: shown, source }),
        }
    }

    fn parse(path: &str, text: &[u8], is_type: impl Fn(&str) -> bool) -> Result<Self, Diagnostic> {
        let document: Document = seatrial_template::parse(path, text)?;
        let by_type = document.deserialize()?;
        match document.root.entries().iter().find(|entry| !is_type(&entry.key)) {
            Some(entry) => {
                let unknown = format!("the local cloud knows no resource type `{}`", entry.key);
                Err(document.diagnostic(entry.key_span, unknown))
            }
            None => Ok(Self { by_type }),
        }
    }

    /// How long AWS takes for it.
    pub(crate) fn of(&self, resource_type: &str, handling: Handling) -> Duration {
        let Some(latency) = self.by_type.get(resource_type) else { return Duration::ZERO };
        let Seconds(seconds) = match handling {
            Handling::Creation => latency.create,
            Handling::Update => latency.update,
            Handling::Deletion => latency.delete,
        };
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(try_from = "f64")]
struct Seconds(f64);

impl TryFrom<f64> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        let possible = (0.0..=MAXIMUM_SECONDS).contains(&seconds);
        if possible { Ok(Self(seconds)) } else { Err("must be 0 to 86400 seconds") }
    }
}

#[derive(Debug, Clone, Copy)]
struct Latency {
    create: Seconds,
    update: Seconds,
    delete: Seconds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Each {
    #[serde(default)]
    create: Seconds,
    #[serde(default)]
    update: Seconds,
    #[serde(default)]
    delete: Seconds,
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LatencyVisitor)
    }
}

struct LatencyVisitor;

impl LatencyVisitor {
    fn all<E: Error>(seconds: f64) -> Result<Latency, E> {
        let all = Seconds::try_from(seconds).map_err(E::custom)?;
        Ok(Latency { create: all, update: all, delete: all })
    }
}

impl<'de> Visitor<'de> for LatencyVisitor {
    type Value = Latency;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds, or a map of create, update and delete to seconds")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Latency, E> {
        Self::all(seconds as f64)
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Latency, E> {
        Self::all(seconds as f64)
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Latency, E> {
        Self::all(seconds)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Latency, A::Error> {
        let Each { create, update, delete } = Each::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Latency { create, update, delete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Latencies, String> {
        let is_type = |name: &str| name.starts_with("AWS::");
        Latencies::parse("latencies.yml", text.as_bytes(), is_type).map_err(|error| error.to_string())
    }

    #[test]
    fn one_number_is_for_all_that_is_done_and_a_map_for_what_it_names() {
        let read = parse("AWS::A::B: 30\nAWS::C::D: {create: 2.5}\n").unwrap();

        let seconds = |name: &str| {
            let all = [Handling::Creation, Handling::Update, Handling::Deletion];
            all.map(|handling| read.of(name, handling).as_secs_f64())
        };
        assert_eq!(seconds("AWS::A::B"), [30.0, 30.0, 30.0]);
        assert_eq!(seconds("AWS::C::D"), [2.5, 0.0, 0.0]);
        assert_eq!(seconds("AWS::E::F"), [0.0, 0.0, 0.0]);
        assert_eq!(parse("{\"AWS::A::B\": 1}").unwrap().of("AWS::A::B", Handling::Update).as_secs(), 1);
    }

    #[test]
    fn what_is_not_meant_is_refused_with_its_place() {
        let refused = [
            (
                "AWS::A::B: 1\nAWS:A::B: 1\n",
                "latencies.yml:2:1: the local cloud knows no resource type `AWS:A::B`",
            ),
            ("AWS::A::B: -1\n", "latencies.yml:1:12: "),
            ("AWS::A::B: .nan\n", "latencies.yml:1:12: "),
            ("AWS::A::B: 1e9\n", "latencies.yml:1:12: "),
            ("AWS::A::B: soon\n", "latencies.yml:1:12: "),
            ("AWS::A::B: {create: -1}\n", "latencies.yml:1:21: "),
            ("AWS::A::B: {make: 1}\n", "latencies.yml:1:13: "),
            ("AWS::A::B: 1\nAWS::A::B: 2\n", "latencies.yml:2:1: "),
            ("- AWS::A::B\n", "latencies.yml:1:1: "),
        ];
        for (text, expected) in refused {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
