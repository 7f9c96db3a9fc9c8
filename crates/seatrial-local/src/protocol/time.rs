//! Timestamps: epoch seconds in values, three spellings on the wire.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use serde_json::{Number, Value};

use super::model::TimestampFormat;

/// Epoch seconds as a JSON number: an integer where there is no fraction.
pub(super) fn number(seconds: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is zero and the range is checked")]
    if seconds.fract() == 0.0 && seconds.abs() < 9e15 {
        return Value::from(seconds as i64);
    }
    Number::from_f64(seconds).map_or(Value::Null, Value::Number)
}

/// Reads any of the three spellings, for AWS does.
pub(super) fn parse(text: &str) -> Option<Value> {
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then(|| number(seconds));
    }
    let parsed = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp()))
        .or_else(|| {
            let local = text.parse::<jiff::civil::DateTime>().ok()?;
            local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        })?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of our era fit into 53 bits")]
    Some(number(parsed.as_millisecond() as f64 / 1000.0))
}

/// `seconds` as text; milliseconds are kept in ISO 8601.
pub(super) fn format(seconds: f64, format: TimestampFormat) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "out of range values end in the fallback below")]
    let timestamp = Timestamp::from_millisecond((seconds * 1000.0).round() as i64).unwrap_or_default();
    match format {
        TimestampFormat::Iso8601 => timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        TimestampFormat::Rfc822 => timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        TimestampFormat::Epoch => number(seconds).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_reads_back_to_the_same_seconds() {
        for spelling in [TimestampFormat::Iso8601, TimestampFormat::Rfc822, TimestampFormat::Epoch] {
            let text = format(1_795_408_112.0, spelling);
            assert_eq!(parse(&text), Some(Value::from(1_795_408_112_i64)), "{text}");
        }
        assert_eq!(format(1_795_408_112.25, TimestampFormat::Iso8601), "2026-11-23T04:28:32.250Z");
        assert_eq!(parse("2026-11-23T04:28:32+01:00"), Some(Value::from(1_795_404_512_i64)));
        assert_eq!(parse("yesterday"), None);
    }
}
