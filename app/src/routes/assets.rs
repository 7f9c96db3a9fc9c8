//! The style sheet and the icon, compiled in.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::state::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/assets/style.css", get(async || asset("text/css", include_str!("../../assets/style.css"))))
        .route("/favicon.svg", get(async || asset("image/svg+xml", include_str!("../../assets/favicon.svg"))))
}

/// Pages name an asset with their commit, so while two versions share the traffic each address stays fresh. A
/// page of one version may get the other's asset: the path is the same in both, so it is never missing.
fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")], text)
}
