//! Routes and what surrounds all of them: request ids, time-outs, limits, headers, error pages.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;

use crate::error::{self, AppError};
use crate::limit::{self, PostLimit};
use crate::state::AppState;
use crate::{headers, health, observe, origin, routes};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest valid form is under 10 KiB, percent-encoded.
const BODY_LIMIT: usize = 64 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The whole application. Of two layers the later one is outside: it sees a request first and its answer last.
pub(crate) fn build(state: AppState, posts: PostLimit) -> Router {
    let pages = Router::new()
        .merge(routes::entries::router())
        .merge(routes::assets::router())
        .fallback(async || AppError::NotFound)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(Arc::new(posts), limit::forms))
        // Outside of the limit: what other sites make a visitor's browser send is not counted as the visitor's.
        .layer(from_fn(origin::own_pages_only))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(from_fn_with_state(state.clone(), error::pages));
    // Whoever asks for health reads a word, not a page, and has a limit of its own.
    let health = Router::new().route("/healthz", get(health::healthz)).route("/readyz", get(health::readyz));
    Router::new()
        .merge(pages)
        .merge(health)
        .layer(from_fn(headers::add))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .with_state(state)
}
