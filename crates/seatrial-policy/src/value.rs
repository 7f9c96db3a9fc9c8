//! Values of conditions that are no plain text: ARNs, numbers, dates and networks.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::context::Context;
use crate::error::Fault;
use crate::pattern::{Pattern, Reading};

/// An ARN whose six components each match a component of the request's (AWS: IAM JSON policy elements: Condition
/// operators, "each of the six colon-delimited components of the ARN is checked separately").
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ArnPattern(Vec<Pattern>);

impl ArnPattern {
    /// # Errors
    /// Not six components, `*` alone apart, and what [`Pattern::new`] refuses.
    pub fn new(text: &str, reading: Reading) -> Result<Self, Fault> {
        let components = components(text);
        if text != "*" && components.len() != 6 {
            return Err(Fault::new(text, "is not an ARN of six components"));
        }
        components
            .into_iter()
            .map(|component| Pattern::new(component, reading))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub fn matches(&self, arn: &str, context: &Context) -> bool {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match self.0.as_slice() {
            [any] => any.matches(arn, context),
            patterns if parts.len() == patterns.len() => {
                patterns.iter().zip(parts).all(|(pattern, part)| pattern.matches(part, context))
            }
            _ => false,
        }
    }
}

/// Splits at the first five colons that stand in no variable.
pub(crate) fn components(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, character) in text.char_indices() {
        match character {
            '{' if text[..at].ends_with('$') => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && found.len() < 5 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}

/// An integer or a decimal; none for what is neither, infinity and NaN among them.
pub(crate) fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|_| is_plain)
}

/// Seconds since 1970, or one of the W3C's forms of ISO 8601, from `2020` to `2020-01-01T00:00:01.5+01:00` (AWS: IAM
/// JSON policy elements: Condition operators, Date condition operators). A time without zone is refused.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(text) && text.len() > 4 {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    if text.contains('T') {
        return text.parse().ok();
    }
    let mut parts = text.splitn(3, '-');
    let mut next = |missing: &'static str| parts.next().unwrap_or(missing).parse::<i16>().ok();
    let (year, month, day) = (next("")?, next("1")?, next("1")?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    TimeZone::UTC.to_timestamp(DateTime::from(date)).ok()
}

/// A range of addresses; one address where no prefix is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    /// Bits that count.
    prefix: u8,
}

impl Network {
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(widest), |prefix| prefix.parse().ok())?;
        (prefix <= widest).then_some(Self { address, prefix })
    }

    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = u32::from(network) ^ u32::from(address);
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = u128::from(network) ^ u128::from(address);
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_every_form_of_the_w3c() {
        let first = date("2020-01-01T00:00:00Z").unwrap();

        for same in
            ["2020", "2020-01", "2020-01-01", "2020-01-01T00:00Z", "2020-01-01T01:00:00+01:00", "1577836800"]
        {
            assert_eq!(date(same), Some(first), "{same}");
        }
        for none in ["", "soon", "2020-13", "2020-01-01T00:00:00", "2020-1-x", "99999999999999999999"] {
            assert_eq!(date(none), None, "{none}");
        }
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(number("-1.5"), Some(-1.5));
        assert_eq!(number("inf"), None);
        assert_eq!(number("NaN"), None);
        assert_eq!(number(""), None);
    }

    #[test]
    fn a_network_of_the_other_family_holds_nothing() {
        let all = Network::parse("0.0.0.0/0").unwrap();

        assert!(all.contains("203.0.113.9".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
        assert_eq!(Network::parse("203.0.113.0/33"), None);
    }

    #[test]
    fn colons_of_variables_separate_nothing() {
        assert_eq!(components("arn:aws:s3:::b/${aws:username}:x").last(), Some(&"b/${aws:username}:x"));
        assert_eq!(components("${aws:username}").len(), 1);
    }
}
