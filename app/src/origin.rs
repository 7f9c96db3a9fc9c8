//! Forms are taken from the application's own pages only.
//!
//! There are no cookies, so there is no token to check a form by either: browsers tell where a request comes from.

use axum::extract::Request;
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::AppError;
use crate::forwarded;

/// Refuses what changes something and comes from another site's page.
pub(crate) async fn own_pages_only(request: Request, next: Next) -> Result<Response, AppError> {
    if request.method().is_safe() || is_own(request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(AppError::ForeignOrigin)
}

/// Browsers send `Sec-Fetch-Site` by TLS and to localhost only, `Origin` with every POST.
///
/// A client that sends neither is no browser (curl, a load test): nobody's visit to another site can make it send
/// anything, and there is no session that it could misuse. It may post.
fn is_own(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none`: the user's own doing, no page's.
        return site == "same-origin" || site == "none";
    }
    match headers.get(header::ORIGIN) {
        Some(origin) => origin.to_str().is_ok_and(|origin| is_host(origin, headers)),
        None => true,
    }
}

/// Whether `origin` is what the client calls this server. `null`, which a browser sends for what it hides, is not.
fn is_host(origin: &str, headers: &HeaderMap) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (origin.scheme_str(), origin.authority()) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    // By the load balancer alone it is known how the client spoke: without one, the names have to do.
    let same_scheme = forwarded::scheme(headers).is_none_or(|told| told == scheme);
    // Each side may leave out the port that the scheme stands for.
    let port = |of: &Authority| of.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    same_scheme
        && host.is_some_and(|host| {
            host.host().eq_ignore_ascii_case(authority.host()) && port(&host) == port(authority)
        })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn where_a_form_comes_from_decides_whether_it_is_taken() {
        const HOST: (&str, &str) = ("host", "log.example:8080");
        for (headers, expected) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "")], false),
            // What the browser says itself counts more than names.
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://log.example:8080")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://other.example")], true),
            (&[("origin", "http://log.example:8080")], true),
            (&[("origin", "HTTP://LOG.example:8080")], true),
            (&[("origin", "http://log.example")], false),
            (&[("origin", "http://log.example:8081")], false),
            (&[("origin", "http://log.example.evil:8080")], false),
            (&[("origin", "http://evil.log.example:8080")], false),
            (&[("origin", "null")], false),
            (&[("origin", "")], false),
            (&[("origin", "file://")], false),
            (&[("x-forwarded-proto", "https"), ("origin", "http://log.example:8080")], false),
            (&[("x-forwarded-proto", "https"), ("origin", "https://log.example:8080")], true),
            (&[], true),
        ] {
            let headers = map(headers.iter().chain([&HOST]));
            assert_eq!(is_own(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_default_port_may_be_left_out_on_either_side() {
        for (host, origin, expected) in [
            ("log.example", "https://log.example", true),
            ("log.example:443", "https://log.example", true),
            ("log.example:80", "https://log.example", false),
            ("log.example:80", "http://log.example", true),
            ("[::1]:4000", "http://[::1]:4000", true),
        ] {
            let headers = map([("host", host), ("origin", origin)].iter());
            assert_eq!(is_own(&headers), expected, "{headers:?}");
        }
        assert!(!is_own(&map([("origin", "https://log.example")].iter())), "without a host");
    }

    fn map<'a>(headers: impl Iterator<Item = &'a (&'static str, &'static str)>) -> HeaderMap {
        let one = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        headers.map(one).collect()
    }
}
