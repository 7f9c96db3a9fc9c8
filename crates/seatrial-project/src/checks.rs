//! `checks`: what the replacement tasks have to show before any traffic goes to them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{probe::Statuses, rules::HealthCheckPath};

/// One check of the replacement tasks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Check {
    /// A request to the test listener.
    Request {
        /// Starts with `/`.
        path: String,
        /// The answers that count as good.
        status: Statuses,
        /// What the body has to hold.
        contains: Option<String>,
        /// The whole answer has to be there within this time.
        max_latency: Option<Duration>,
    },
    /// A task of the new image with this command, which has to end with exit code 0.
    Command(Vec<String>),
}

/// A check as it stands in the file: of a request or of a command.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<HealthCheckPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Statuses>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contains: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_latency: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
}

impl TryFrom<Written> for Check {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { path, status, contains, max_latency, command } = written;
        match (path, command) {
            (Some(path), None) => Ok(Self::Request {
                path: path.to_string(),
                status: status.unwrap_or_default(),
                contains: contains.filter(|text| !text.is_empty()),
                max_latency: max_latency.map(|latency| latency.0),
            }),
            (None, Some(command)) => {
                if status.is_some() || contains.is_some() || max_latency.is_some() {
                    return Err(
                        "must not have `status`, `contains` or `max_latency` beside `command`: its exit \
                                code decides",
                    );
                }
                if command.first().is_none_or(String::is_empty) {
                    return Err("must have a `command` of at least one word, as a list");
                }
                Ok(Self::Command(command))
            }
            _ => Err("must have either `path` or `command`"),
        }
    }
}

impl From<Check> for Written {
    fn from(check: Check) -> Self {
        match check {
            Check::Request { path, status, contains, max_latency } => Self {
                path: HealthCheckPath::try_from(path).ok(),
                status: Some(status),
                contains,
                max_latency: max_latency.map(Latency),
                command: None,
            },
            Check::Command(command) => Self { command: Some(command), ..Self::default() },
        }
    }
}

/// From 1 ms to the 60 s after which a load balancer gives up (ALB: `idle_timeout.timeout_seconds`), as `500ms` or
/// `2s`.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
struct Latency(Duration);

impl TryFrom<String> for Latency {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1),
            None => (text.strip_suffix('s').unwrap_or_default(), 1_000),
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let milliseconds = number.parse::<u64>().ok().filter(|_| digits).map(|n| n.saturating_mul(unit));
        milliseconds
            .filter(|it| (1..=60_000).contains(it))
            .map(|it| Self(Duration::from_millis(it)))
            .ok_or("must be a time such as `500ms` or `2s`, at most `60s`")
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> Self {
        format!("{}ms", latency.0.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Check, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_check_is_read_as_it_is_written() {
        let checks = [
            r#"{"path":"/","status":"200"}"#,
            r#"{"path":"/healthz?full=1","status":"200-299,401","contains":"ok","max_latency":"500ms"}"#,
            r#"{"command":["app","smoke","--deep"]}"#,
        ];
        for json in checks {
            assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
        }
        assert_eq!(read(r#"{"path":"/"}"#), read(checks[0]));
        let Ok(Check::Request { max_latency, .. }) = read(r#"{"path":"/","max_latency":"2s"}"#) else {
            panic!()
        };
        assert_eq!(max_latency, Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_is_no_check_is_refused_with_the_rule() {
        let cases = [
            ("{}", "either `path` or `command`"),
            (r#"{"path":"/","command":["a"]}"#, "either `path` or `command`"),
            (r#"{"path":"healthz"}"#, "starts with `/`"),
            (r#"{"path":"/","status":"ok"}"#, "status"),
            (r#"{"path":"/","max_latency":"0s"}"#, "such as `500ms`"),
            (r#"{"path":"/","max_latency":"61s"}"#, "at most `60s`"),
            (r#"{"path":"/","max_latency":"1m"}"#, "such as `500ms`"),
            (r#"{"command":[]}"#, "at least one word"),
            (r#"{"command":["a"],"status":"200"}"#, "exit code decides"),
            (r#"{"path":"/","body":"x"}"#, "unknown field `body`"),
        ];
        for (json, rule) in cases {
            let refused = read(json).unwrap_err();
            assert!(refused.contains(rule), "{json}: {refused}");
        }
    }
}
