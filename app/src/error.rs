//! What a visitor sees when a page cannot be made: each failed answer is a page, axum's own refusals too.

use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use tracing::error;

use crate::identity::Identity;
use crate::state::AppState;

/// Time until a page that could not reach the database is asked for again.
const DATABASE_RETRY: Duration = Duration::from_secs(3);

/// Why there is no page. As an answer a bare status: [`pages`] writes the page.
#[derive(Debug)]
pub(crate) enum AppError {
    NotFound,
    /// A form of another site's page.
    ForeignOrigin,
    /// The client may send the next form after this time.
    TooMany(Duration),
    /// The database was never reached, or is away now.
    DatabaseAway,
    /// The cause is in the log, never on the page.
    Internal,
}

impl From<sqlx::Error> for AppError {
    fn from(cause: sqlx::Error) -> Self {
        error!(error = %cause, "query failed");
        match cause {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_) => Self::DatabaseAway,
            _ => Self::Internal,
        }
    }
}

impl From<askama::Error> for AppError {
    fn from(cause: askama::Error) -> Self {
        error!(error = %cause, "failed to render a page");
        Self::Internal
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let (status, retry) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, None),
            Self::ForeignOrigin => (StatusCode::FORBIDDEN, None),
            Self::TooMany(wait) => (StatusCode::TOO_MANY_REQUESTS, Some(wait)),
            Self::DatabaseAway => (StatusCode::SERVICE_UNAVAILABLE, Some(DATABASE_RETRY)),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        let mut response = status.into_response();
        if let Some(retry) = retry {
            // Whole seconds, rounded up: who comes back then is not refused again.
            let seconds = retry.as_secs() + u64::from(retry.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    identity: &'a Identity,
    heading: &'static str,
    text: &'static str,
    /// The page asks for itself again after some seconds.
    reload: bool,
}

/// Gives each failed answer that is no page yet its page, and leaves its other headers (`Allow`, `Retry-After`).
pub(crate) async fn pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_page(response.headers()) {
        return response;
    }
    let (heading, text) = words(status, &method);
    // A form is not sent again by itself: it may have arrived.
    let reload = status == StatusCode::SERVICE_UNAVAILABLE && method.is_safe();
    let page = ErrorPage { identity: &state.identity, heading, text, reload };
    let html = page.render().unwrap_or_else(|_| heading.to_owned());
    let (mut parts, _) = response.into_parts();
    for of_the_body in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(of_the_body);
    }
    (parts.status, parts.headers, Html(html)).into_response()
}

fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// Heading and text.
fn words(status: StatusCode, method: &Method) -> (&'static str, &'static str) {
    match status {
        StatusCode::FORBIDDEN => {
            let text = "Entries are taken from the release log's own pages alone. Nothing was changed.";
            ("That came from another site", text)
        }
        StatusCode::NOT_FOUND => ("There is nothing here", "The page may have moved, or never was."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("Not in this way", "The page is there, but it cannot be asked for like this.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("That is too long", "The form is larger than any entry may be. Nothing was changed.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("That is not a form", "Entries are taken as the form's page sends them. Nothing was changed.")
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            ("The form is not complete", "Something that its page sends is missing. Nothing was changed.")
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let text =
                "Many forms came from your address. Nothing was changed: go back and send yours in a moment.";
            ("A little slower, please", text)
        }
        StatusCode::SERVICE_UNAVAILABLE if method.is_safe() => {
            let text = "The release log is waiting for its database. This page tries again by itself.";
            ("Almost there", text)
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            let text = "The release log is waiting for its database. Look whether your entry is there before you send \
                        it again.";
            ("Almost there", text)
        }
        status if status.is_client_error() => {
            ("That was not understood", "The address or the form is not one that the release log makes.")
        }
        _ => {
            let text = "The fault is ours and has been written down. Please try again in a moment.";
            ("That did not work", text)
        }
    }
}
