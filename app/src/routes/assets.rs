//! The style sheet and the icon, compiled in.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;

use crate::state::AppState;

pub(crate) fn router() -> Router<AppState> {
    let style = include_str!("../../assets/style.css");
    let icon = include_str!("../../assets/favicon.svg");
    Router::new()
        .route("/assets/style.css", get(move |state, wanted| asset(state, wanted, "text/css", style)))
        .route("/favicon.svg", get(move |state, wanted| asset(state, wanted, "image/svg+xml", icon)))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    /// The commit of the page that names the asset.
    v: Option<String>,
}

/// While two versions share the traffic, a page of one may get the other's asset: the path is the same in both, so it
/// is never missing. But only what has the page's own version may be kept for good: else a browser would
/// show the new page in the old style for a year. A commit that is not known tells nothing.
async fn asset(
    State(state): State<AppState>,
    Query(wanted): Query<Wanted>,
    kind: &'static str,
    text: &'static str,
) -> impl IntoResponse {
    let own = state.identity.short_commit();
    let cache = match wanted.v.as_deref() {
        Some(version) if version == own && state.identity.is_built() => "public, max-age=31536000, immutable",
        _ => "no-cache",
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)], text)
}
