//! Headers of every answer: what browsers may do with it, and how long they may keep it.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::forwarded;

/// Pages have a style sheet, an icon and forms, all from here, and are in nobody's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                                       base-uri 'none'; frame-ancestors 'none'";
/// A year, for this name alone: other applications of the domain may not speak TLS.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";
/// A page is as old as its entries, and the next one may come from another version. `no-store` would take the text
/// of a form away from whoever goes back to it.
const CACHE_CONTROL: &str = "private, no-cache";

pub(crate) async fn add(request: Request, next: Next) -> Response {
    // Over plain HTTP browsers ignore it, and there may be no TLS to go to.
    let is_tls = forwarded::scheme(request.headers()) == Some("https");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with that, browsers would send the origin of our own forms as `null`.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_tls {
        let value = HeaderValue::from_static(STRICT_TRANSPORT_SECURITY);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(CACHE_CONTROL));
    response
}
