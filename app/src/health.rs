//! `/healthz` (the process answers and has migrated its database), `/readyz` (it should get traffic).

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use crate::state::AppState;

const DATABASE_LIMIT: Duration = Duration::from_secs(2);

/// Healthy from the moment at which the schema is in step: a task whose migration fails never gets traffic, and its
/// release is rolled back. From then on the database is not asked: one that is away must not make the load balancer kill
/// every task.
pub(crate) async fn healthz(State(state): State<AppState>) -> (StatusCode, &'static str) {
    match state.database.is_migrated() {
        true => (StatusCode::OK, "ok\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "the database is not migrated yet\n"),
    }
}

pub(crate) async fn readyz(State(state): State<AppState>) -> (StatusCode, &'static str) {
    if state.lifecycle.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if state.database.answers(DATABASE_LIMIT).await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "database is not reachable\n")
    }
}
