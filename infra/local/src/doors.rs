//! What the server serves besides calls: the local cloud's own routes, the registry, and objects.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::fault::Fault;
use crate::journal::Entry;
use crate::protocol::Doors;

pub(crate) fn doors(cloud: &Cloud) -> Doors {
    Doors {
        local: local(cloud.clone()),
        registry: crate::registry::router(cloud.clone()),
        transfer: crate::services::s3::transfer(),
    }
}

/// Unsigned, for they tell nothing that the data directory does not hold and reach nothing beyond it.
fn local(cloud: Cloud) -> Router {
    Router::new()
        .route("/_local/status", get(status))
        .route("/_local/journal", get(journal))
        .route("/_local/faults", get(armed).post(arm).delete(clear))
        .with_state(cloud)
}

async fn status(State(cloud): State<Cloud>) -> Json<Value> {
    Json(json!({
        "endpoint": cloud.endpoint(),
        "region": cloud.region(),
        "account": cloud.account(),
        "operations": cloud.operations().names(),
    }))
}

async fn journal(State(cloud): State<Cloud>) -> Json<Vec<Entry>> {
    Json(cloud.journal().entries())
}

async fn armed(State(cloud): State<Cloud>) -> Json<Vec<Fault>> {
    Json(cloud.faults().armed())
}

async fn arm(State(cloud): State<Cloud>, Json(fault): Json<Fault>) -> StatusCode {
    cloud.faults().arm(fault);
    StatusCode::CREATED
}

async fn clear(State(cloud): State<Cloud>) -> StatusCode {
    cloud.faults().clear();
    StatusCode::NO_CONTENT
}
