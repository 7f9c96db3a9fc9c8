//! Answers the load balancer gives itself: errors, redirects, fixed responses.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};

use super::Body;
use super::rules::{Fixed, Redirect, Rules};

/// An error page as AWS's load balancers write it.
pub(super) fn error(status: StatusCode) -> Response<Body> {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         </body>\r\n</html>\r\n"
    );
    respond(status, "text/html", page)
}

/// What a client hears that speaks plain HTTP where TLS is spoken
/// (<https://repost.aws/knowledge-center/api-gateway-private-integration-errors> shows the page).
pub(super) fn plain_to_tls() -> Response<Body> {
    const WHY: &str = "The plain HTTP request was sent to HTTPS port";
    let page = format!(
        "<html>\r\n<head><title>400 {WHY}</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n\
         <center>{WHY}</center>\r\n</body>\r\n</html>\r\n"
    );
    respond(StatusCode::BAD_REQUEST, "text/html", page)
}

pub(super) fn fixed(fixed: &Fixed) -> Response<Body> {
    let status = StatusCode::from_u16(fixed.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    respond(status, &fixed.content_type, fixed.body.clone())
}

pub(super) fn redirect(redirect: &Redirect, rules: &Rules, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
    let status = StatusCode::from_u16(redirect.status).unwrap_or(StatusCode::FOUND);
    let mut response = respond(status, "text/html", String::new());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    // HTTP/2 names it beside the path.
    let host = host.or_else(|| uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default();
    if let Ok(location) = HeaderValue::from_str(&location(redirect, rules, uri, host)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Where to. A port of the same load balancer is served on this machine under another number: then the address is the
/// one that works here.
fn location(redirect: &Redirect, rules: &Rules, uri: &Uri, host_header: &str) -> String {
    let host = host_header.rsplit_once(':').map_or(host_header, |(host, _)| host);
    let own_port = rules.port.to_string();
    let fill = |text: &str| {
        text.replace("#{protocol}", rules.protocol)
            .replace("#{host}", host)
            .replace("#{port}", &own_port)
            .replace("#{path}", uri.path().trim_start_matches('/'))
            .replace("#{query}", uri.query().unwrap_or_default())
    };
    let port = fill(&redirect.port);
    let local = redirect.local_ports.iter().find(|(aws, _)| port.parse() == Ok(*aws));
    let protocol = fill(&redirect.protocol).to_lowercase();
    let origin = match local {
        Some((_, local)) if redirect.host == "#{host}" => format!("{protocol}://{host}:{local}"),
        _ => format!("{protocol}://{}:{port}", fill(&redirect.host)),
    };
    let query = fill(&redirect.query);
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{origin}{}{separator}{query}", fill(&redirect.path))
}

fn respond(status: StatusCode, content_type: &str, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("awselb/2.0"));
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    response
}
