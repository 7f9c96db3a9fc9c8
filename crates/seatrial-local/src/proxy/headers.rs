//! Headers between client and target: what is taken off, what is put on.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::rules::Rules;
use crate::id;

/// Headers of one connection only (RFC 9110 section 7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Removes what is meant for one connection only. Answers the protocol an upgrade asks for, if any.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let upgrade = named.contains(&header::UPGRADE).then(|| headers.get(header::UPGRADE).cloned()).flatten();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    upgrade
}

/// Puts the headers of an upgrade back.
pub(super) fn ask_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Tells the target who asked, and how; as AWS does.
pub(super) fn add_forwarded(headers: &mut HeaderMap, client: IpAddr, rules: &Rules) {
    let forwarded_for = HeaderName::from_static("x-forwarded-for");
    let mut addresses: Vec<String> = headers
        .get_all(&forwarded_for)
        .iter()
        .filter_map(|value| Some(value.to_str().ok()?.to_owned()))
        .collect();
    addresses.push(client.to_string());
    set(headers, forwarded_for, &addresses.join(", "));
    set(headers, HeaderName::from_static("x-forwarded-proto"), rules.protocol);
    set(headers, HeaderName::from_static("x-forwarded-port"), &rules.port.to_string());
    let trace = HeaderName::from_static("x-amzn-trace-id");
    let given = headers.get(&trace).and_then(|value| value.to_str().ok()).map(str::to_owned);
    set(headers, trace, &trace_id(given.as_deref()));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A new root, or the given trace with this hop as `Self`.
fn trace_id(given: Option<&str>) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let own = format!("1-{seconds:08x}-{}", id::hex(24));
    let fields = given.unwrap_or_default().split(';').map(str::trim);
    let kept: Vec<_> = fields.filter(|field| !field.is_empty() && !field.starts_with("Self=")).collect();
    if kept.iter().any(|field| field.starts_with("Root=")) {
        return format!("Self={own};{}", kept.join(";"));
    }
    format!("Root={own}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_connection_names_do_not_reach_the_target() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close, X-Private"));
        headers.insert("x-private", HeaderValue::from_static("1"));
        headers.insert("x-public", HeaderValue::from_static("1"));

        let upgrade = strip_hop_by_hop(&mut headers);

        assert_eq!(upgrade, None);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), vec!["x-public"]);
    }

    #[test]
    fn a_trace_keeps_its_root_and_gets_this_hop() {
        let traced = trace_id(Some("Self=1-old;Root=1-67891233-abcdef012345678912345678;CalledFrom=app"));

        assert!(traced.starts_with("Self=1-"));
        assert!(traced.ends_with(";Root=1-67891233-abcdef012345678912345678;CalledFrom=app"));
        assert!(trace_id(None).starts_with("Root=1-"));
    }
}
