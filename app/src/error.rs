//! What a visitor sees when a page cannot be made.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use tracing::error;

use crate::identity::Identity;

/// A failed page, still carrying the footer.
#[derive(Debug)]
pub(crate) struct AppError {
    kind: Kind,
    page: ErrorPage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    NotFound,
    DatabaseAway,
    Internal,
}

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct ErrorPage {
    identity: Identity,
    heading: &'static str,
    text: &'static str,
    /// The page asks for itself again after some seconds.
    reload: bool,
}

impl AppError {
    pub(crate) fn not_found(identity: &Identity) -> Self {
        Self::new(identity, Kind::NotFound, "There is nothing here", "The page may have moved, or never was.")
    }

    /// The database was never reached, or is away now.
    pub(crate) fn database_away(identity: &Identity) -> Self {
        let text = "The release log is waiting for its database. This page tries again by itself.";
        Self::new(identity, Kind::DatabaseAway, "Almost there", text)
    }

    /// `cause` goes to the log, never to the visitor.
    pub(crate) fn from_sqlx(identity: &Identity, cause: &sqlx::Error) -> Self {
        error!(error = %cause, "query failed");
        match cause {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_) => Self::database_away(identity),
            _ => Self::internal(identity),
        }
    }

    pub(crate) fn internal(identity: &Identity) -> Self {
        let text = "The fault is ours and has been written down. Please try again in a moment.";
        Self::new(identity, Kind::Internal, "That did not work", text)
    }

    fn new(identity: &Identity, kind: Kind, heading: &'static str, text: &'static str) -> Self {
        let page =
            ErrorPage { identity: identity.clone(), heading, text, reload: kind == Kind::DatabaseAway };
        Self { kind, page }
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status = match self.kind {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::DatabaseAway => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let html = self.page.render().unwrap_or_else(|_| self.page.heading.to_owned());
        let mut response = (status, Html(html)).into_response();
        if self.kind == Kind::DatabaseAway {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("3"));
        }
        response
    }
}
