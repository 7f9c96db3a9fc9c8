//! Placeholder.

use axum::Router;

use crate::cloud::Cloud;

pub(crate) fn router(_cloud: Cloud) -> Router {
    Router::new()
}
