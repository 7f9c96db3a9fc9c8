//! What is on this machine: there nothing is asked through a proxy, and a registry without TLS.

use std::net::IpAddr;

/// Whether a host, as a URL or a registry's address has it (IPv6 in brackets or bare), is this machine.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let address = bare.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_others_by_the_whole_host() {
        let here = ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "[::1]", "::1", "[::ffff:127.0.0.1]"];
        let elsewhere = [
            "",
            "127.evil",
            "127.0.0.1.example.com",
            "localhost.example.com",
            "notlocalhost",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "[::1",
            "[localhost]",
        ];

        assert!(here.iter().all(|host| is_loopback(host)), "{here:?}");
        assert!(!elsewhere.iter().any(|host| is_loopback(host)), "{elsewhere:?}");
    }
}
