//! The canonical form of a request, which both sides sign.

use ::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// RFC 3986's unreserved characters stay.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// Method, path, query, headers, their names and the payload's hash, one below the other.
pub(super) fn request(parts: &Parts, service: &str, signed_headers: &str, payload: &str) -> Option<String> {
    let path = match service {
        // S3 signs the path as it is, once encoded; all others sign the encoded path encoded again.
        "s3" => {
            let raw: Vec<u8> = percent_decode_str(parts.uri.path()).collect();
            percent_encoding::percent_encode(&raw, PATH).to_string()
        }
        _ => utf8_percent_encode(parts.uri.path(), PATH).to_string(),
    };
    let mut headers = String::new();
    for name in signed_headers.split(';') {
        let values: Vec<_> = parts.headers.get_all(name).iter().map(|value| value.to_str().ok()).collect();
        let values: Option<Vec<_>> = values.into_iter().map(|value| value.map(collapsed)).collect();
        let values = values.filter(|values| !values.is_empty())?;
        headers.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    let query = query(parts.uri.query().unwrap_or_default());
    Some(format!("{}\n{path}\n{query}\n{headers}\n{signed_headers}\n{payload}", parts.method))
}

/// Sorted by name and value; without the signature itself, which a presigned request carries there.
fn query(raw: &str) -> String {
    let encode = |text: &str| {
        let raw: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&raw, QUERY).to_string()
    };
    let mut pairs: Vec<_> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Without spaces around, and with single ones within.
fn collapsed(value: &str) -> String {
    value.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
