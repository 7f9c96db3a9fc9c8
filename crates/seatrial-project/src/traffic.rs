//! `deployment.traffic`: how traffic moves from the original tasks to their replacement.

use std::fmt;

use serde::{Deserialize, Deserializer, de, de::Visitor};

use super::rules::Minutes;

/// How traffic moves to the replacement task set: `AllAtOnce`, the full name of one of CodeDeploy's
/// configurations, or percentages of one's own, `Canary20Percent3Minutes` or `Linear25PercentEvery2Minutes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic(String);

/// What CodeDeploy has for ECS (AWS: CodeDeploy user guide, deployment configurations).
const PREDEFINED_TRAFFIC: [&str; 5] = [
    "CodeDeployDefault.ECSAllAtOnce",
    "CodeDeployDefault.ECSCanary10Percent5Minutes",
    "CodeDeployDefault.ECSCanary10Percent15Minutes",
    "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
    "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
];
const ALL_AT_ONCE: &str = "AllAtOnce";
const RULE: &str = "must be `AllAtOnce`, a canary such as `Canary10Percent5Minutes` or steps such as \
                    `Linear10PercentEvery1Minutes`";

impl Traffic {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Traffic {
    /// The first share that moves, in percent.
    pub fn first_percent(&self) -> u64 {
        let text = self.0.trim_start_matches("CodeDeployDefault.ECS");
        let share = text.strip_prefix("Canary").or_else(|| text.strip_prefix("Linear"));
        share.and_then(|rest| rest.split_once("Percent")?.0.parse().ok()).unwrap_or(100)
    }

    /// How long it takes until all traffic has moved, in minutes: a canary's one pause, or one between any two of the
    /// equal steps.
    pub fn minutes(&self) -> u64 {
        let text = self.0.trim_start_matches("CodeDeployDefault.ECS");
        let number = |text: &str| text.trim_end_matches("Minutes").parse::<u64>().unwrap_or(0);
        if let Some((_, minutes)) = text.strip_prefix("Canary").and_then(|rest| rest.split_once("Percent")) {
            return number(minutes);
        }
        let linear = text.strip_prefix("Linear").and_then(|rest| rest.split_once("PercentEvery"));
        linear.map_or(0, |(percent, minutes)| {
            let steps = 100_u64.div_ceil(number(percent).max(1));
            steps.saturating_sub(1) * number(minutes)
        })
    }
}

/// Percentages and pauses of one's own, as a mapping: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    canary: Option<Canary>,
    linear: Option<Linear>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Canary {
    percent: u32,
    after: Minutes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Linear {
    percent: u32,
    every: Minutes,
}

impl Own {
    /// The same in one word, as the stack takes it; `None` of both and of neither.
    fn word(&self) -> Option<String> {
        match (&self.canary, &self.linear) {
            (Some(Canary { percent, after }), None) => {
                Some(format!("Canary{percent}Percent{}Minutes", after.0))
            }
            (None, Some(Linear { percent, every })) => {
                Some(format!("Linear{percent}PercentEvery{}Minutes", every.0))
            }
            _ => None,
        }
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Traffic;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, or a mapping of `canary` or `linear`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Traffic, E> {
        Traffic::try_from(text.to_owned()).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, entries: A) -> Result<Traffic, A::Error> {
        let own = Own::deserialize(de::value::MapAccessDeserializer::new(entries))?;
        let word = own.word().ok_or_else(|| de::Error::custom("must have either `canary` or `linear`"))?;
        let rule = "must have from 1 to 99 percent, and pauses from 1m to 2d";
        Traffic::try_from(word).map_err(|_| de::Error::custom(rule))
    }
}

impl<'de> Deserialize<'de> for Traffic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self(ALL_AT_ONCE.to_owned())
    }
}

impl TryFrom<String> for Traffic {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let full = format!("CodeDeployDefault.ECS{text}");
        if text != ALL_AT_ONCE && PREDEFINED_TRAFFIC.contains(&full.as_str()) {
            return Ok(Self(full));
        }
        if text == ALL_AT_ONCE || PREDEFINED_TRAFFIC.contains(&text.as_str()) || is_own_traffic(&text) {
            return Ok(Self(text));
        }
        Err(RULE)
    }
}

/// 1 to 99 percent, intervals of 1 to 2,880 minutes.
fn is_own_traffic(text: &str) -> bool {
    let canary = text.strip_prefix("Canary").and_then(|rest| rest.split_once("Percent"));
    let linear = text.strip_prefix("Linear").and_then(|rest| rest.split_once("PercentEvery"));
    let Some((percentage, minutes)) = canary.or(linear) else { return false };
    let within = |text: &str, maximum: u32| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        plain && text.parse::<u32>().is_ok_and(|number| (1..=maximum).contains(&number))
    };
    within(percentage, 99) && minutes.strip_suffix("Minutes").is_some_and(|minutes| within(minutes, 2880))
}
