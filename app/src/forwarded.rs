//! What a load balancer tells of its client. The task's security group lets nobody else in; where there is none, as
//! on a developer's machine, a client may tell what it likes, and deceives only itself.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The client's address: the last of `X-Forwarded-For`, which the load balancer added; those before it are what the
/// client sent. Without a load balancer the connection's other end.
pub(crate) fn client(headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
    let last = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let last = last.and_then(|list| list.rsplit(',').next()).map(str::trim);
    last.and_then(address).unwrap_or_else(|| peer.ip())
}

/// `http` or `https`, as the client spoke with the load balancer; `None` without one.
pub(crate) fn scheme(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-forwarded-proto")?.to_str().ok()
}

/// A load balancer with `routing.http.xff_client_port.enabled` adds the port.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_last_address_that_was_added() {
        let peer = SocketAddr::from(([10, 0, 0, 9], 80));
        for (lines, expected) in [
            (&[][..], "10.0.0.9"),
            (&["192.0.2.7"], "192.0.2.7"),
            (&["203.0.113.5, 192.0.2.7"], "192.0.2.7"),
            (&["203.0.113.5", "192.0.2.7"], "192.0.2.7"),
            (&["192.0.2.7:51000"], "192.0.2.7"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["[2001:db8::7]:51000"], "2001:db8::7"),
            (&["203.0.113.5, unknown"], "10.0.0.9"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            assert_eq!(client(&headers, peer), expected.parse::<IpAddr>().unwrap(), "{lines:?}");
        }
    }
}
