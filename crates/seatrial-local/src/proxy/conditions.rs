//! What a rule asks of a request.

use http::header::{self, HeaderMap};
use http::{Method, Request, Uri};

pub(crate) use crate::wildcards::Wildcards as Pattern;

/// A part of the request that must fit any of the patterns.
pub(crate) struct Condition {
    pub field: Field,
    pub patterns: Vec<Pattern>,
}

/// A part of the request.
pub(crate) enum Field {
    /// Without the query string.
    Path,
    /// Without the port.
    Host,
    /// Any of the header's values.
    Header(String),
    Method,
    /// Any `key=value` of it.
    Query,
}

/// What was asked for, as the client sent it.
pub(super) struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

impl Asked {
    pub(super) fn by<B>(request: &Request<B>) -> Self {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        Self { method, uri, headers: request.headers().clone() }
    }

    fn host(&self) -> &str {
        let header = self.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = self.uri.host().or(header).unwrap_or_default();
        host.rsplit_once(':').map_or(host, |(host, _)| host)
    }
}

impl Condition {
    pub(super) fn holds(&self, asked: &Asked) -> bool {
        let any = |text: &str| self.patterns.iter().any(|pattern| pattern.fits(text));
        match &self.field {
            Field::Path => any(asked.uri.path()),
            Field::Host => any(asked.host()),
            Field::Header(name) => {
                let mut values = asked.headers.get_all(name).iter();
                values.any(|value| value.to_str().is_ok_and(any))
            }
            Field::Method => any(asked.method.as_str()),
            Field::Query => asked.uri.query().unwrap_or_default().split('&').any(any),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(field: Field, pattern: &str, any_case: bool, uri: &str) -> bool {
        let request =
            Request::builder().uri(uri).header("host", "App.example.com:80").header("X-Kind", "blue");
        let patterns = vec![Pattern::of_text(pattern, any_case)];
        Condition { field, patterns }.holds(&Asked::by(&request.body(()).unwrap()))
    }

    #[test]
    fn each_part_of_a_request_is_compared_with_its_patterns() {
        let header = || Field::Header("x-kind".to_owned());
        for (field, pattern, any_case, fits) in [
            (Field::Path, "/*", false, true),
            (Field::Path, "/a/?/c", false, true),
            (Field::Path, "/A/*", false, false),
            (Field::Path, "/a/b", false, false),
            (Field::Path, "/a.*", false, false),
            (Field::Host, "app.example.com", true, true),
            (Field::Host, "*.EXAMPLE.com", true, true),
            (Field::Host, "example.com", true, false),
            (header(), "Blue", true, true),
            (header(), "green", true, false),
            (Field::Method, "GET", false, true),
            (Field::Query, "version=*", true, true),
            (Field::Query, "*=2", true, true),
            (Field::Query, "other=*", true, false),
        ] {
            assert_eq!(holds(field, pattern, any_case, "/a/b/c?first=1&version=2"), fits, "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_more_time_than_one() {
        let path = format!("/{}", "a".repeat(2_000));
        assert!(!holds(Field::Path, &format!("{}b", "*a".repeat(60)), false, &path));
    }
}
