//! Requests and responses that an Application Load Balancer does not carry.
//!
//! Sizes are in bytes (Elastic Load Balancing, Application Load Balancers: quotas, "HTTP headers"), codes those of its
//! troubleshooting guide: 400 for what does not meet HTTP, 405 for TRACE, 414, 463 for more than 30 addresses in
//! `X-Forwarded-For`, 501 for another transfer encoding than chunked; 502 for a response whose headers are too long.

use http::header::{self, HeaderMap};
use http::{Method, Request, StatusCode, Version};

const REQUEST_LINE: usize = 16 << 10;
const HEADER: usize = 16 << 10;
const HEADERS: usize = 64 << 10;
const RESPONSE_HEADERS: usize = 32 << 10;
const FORWARDED_FOR: usize = 30;

/// Read at once of a head: more than is allowed, so that what is too long is told with its code.
pub(super) const BUFFER: usize = 160 << 10;
/// AWS counts bytes, not headers.
pub(super) const MOST_HEADERS: usize = 4_000;

/// The code by which a request is refused.
pub(super) fn refused<B>(request: &Request<B>) -> Option<StatusCode> {
    let (headers, version) = (request.headers(), request.version());
    if request.method() == Method::TRACE {
        return Some(StatusCode::METHOD_NOT_ALLOWED);
    }
    // Method, target, version, and what separates them.
    let line = request.method().as_str().len() + request.uri().to_string().len() + "  HTTP/1.1\r\n".len();
    if line > REQUEST_LINE {
        return Some(StatusCode::URI_TOO_LONG);
    }
    let hosts = headers.get_all(header::HOST).iter().count();
    let no_host = hosts == 0 && version == Version::HTTP_11;
    if hosts > 1 || no_host || lengths(headers).any(|length| length > HEADER) || total(headers) > HEADERS {
        return Some(StatusCode::BAD_REQUEST);
    }
    let encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if encodings.into_iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Some(StatusCode::NOT_IMPLEMENTED);
    }
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let addresses = forwarded.map(|value| value.as_bytes().split(|byte| *byte == b',').count());
    (addresses.sum::<usize>() > FORWARDED_FOR).then(|| StatusCode::from_u16(463).ok()).flatten()
}

/// Whether the headers of a target's response are too long to be handed on.
pub(super) fn is_too_long(headers: &HeaderMap) -> bool {
    total(headers) > RESPONSE_HEADERS
}

fn total(headers: &HeaderMap) -> usize {
    lengths(headers).sum()
}

/// As on the wire: `Name: value` and the line's end.
fn lengths(headers: &HeaderMap) -> impl Iterator<Item = usize> {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(uri: &str, headers: &[(&str, String)]) -> Option<u16> {
        let mut request = Request::builder().uri(uri).header("host", "a");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        refused(&request.body(()).unwrap()).map(|status| status.as_u16())
    }

    #[test]
    fn each_limit_is_kept_to_the_byte() {
        let of = |length: usize| "x".repeat(length);
        let path = |line: usize| format!("/{}", of(line - "GET / HTTP/1.1\r\n".len()));
        let header = |length: usize| ("a", of(length - "a: \r\n".len()));
        let hop = |count: usize| ("x-forwarded-for", vec!["1.2.3.4"; count].join(", "));
        let many = |rest: usize| {
            let mut headers = vec![header(HEADER); 3];
            headers.push(header(HEADERS - 3 * HEADER - "host: a\r\n".len() + rest));
            headers
        };
        for (uri, headers, expected) in [
            ("/".to_owned(), vec![], None),
            (path(REQUEST_LINE), vec![], None),
            (path(REQUEST_LINE + 1), vec![], Some(414)),
            ("/".to_owned(), vec![header(HEADER)], None),
            ("/".to_owned(), vec![header(HEADER + 1)], Some(400)),
            ("/".to_owned(), many(0), None),
            ("/".to_owned(), many(1), Some(400)),
            ("/".to_owned(), vec![("host", "b".to_owned())], Some(400)),
            ("/".to_owned(), vec![("transfer-encoding", "Chunked".to_owned())], None),
            ("/".to_owned(), vec![("transfer-encoding", "gzip, chunked".to_owned())], Some(501)),
            ("/".to_owned(), vec![hop(30)], None),
            ("/".to_owned(), vec![hop(16), hop(15)], Some(463)),
        ] {
            let shown: Vec<_> = headers.iter().map(|(name, value)| (name, value.len())).collect();
            assert_eq!(code(&uri, &headers), expected, "{} {shown:?}", uri.len());
        }
    }
}
