//! What the server serves besides calls: the local cloud's own routes, the registry, and objects.

use std::collections::BTreeMap;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::console;
use crate::fault::Fault;
use crate::journal::Entry;
use crate::protocol::{Doors, has_shapes};
use crate::proxy::Snapshot;
use crate::runtime::sandbox::Sandboxes;
use crate::services::elbv2::{self, LocalListener};
use crate::services::{self, StandIn, acm, sts};

pub(crate) fn doors(cloud: &Cloud) -> Doors {
    Doors {
        local: local(cloud.clone()),
        registry: crate::registry::router(cloud.clone()),
        transfer: crate::services::s3::transfer(),
        folder: crate::services::s3::folder(cloud),
        front: console::front,
    }
}

/// Whoever holds the operator's key may ask: what changes something, and what tells of calls, needs the token that is
/// derived from it ([`console::may_ask`]). Open are what tells nothing that is secret, and credentials, which need a token
/// of their own.
fn local(cloud: Cloud) -> Router {
    let open = Router::new()
        .route("/_local/status", get(status))
        // Builds, which have other keys, read where listeners answer.
        .route("/_local/listeners", get(listeners))
        // With a token: what it answers is a build's or task's alone.
        .route("/_local/credentials/{id}", get(sts::serve_credentials));
    let operators = Router::new()
        .route("/_local/journal", get(journal))
        .route("/_local/permissions", get(permissions))
        .route("/_local/faults", get(armed).post(arm).delete(clear))
        .route("/_local/connections/{id}/complete", post(complete_connection))
        .route("/_local/certificates/{id}/validate", post(validate_certificate))
        .route("/_local/stand-ins", post(stand_in))
        .route("/_local/traffic", get(traffic))
        .layer(from_fn_with_state(cloud.clone(), only_with_token));
    let page = console::router(cloud.clone(), &services::SOURCES);
    open.merge(operators).with_state(cloud).merge(page).layer(from_fn(only_by_address))
}

/// Refuses names other than the machine's own, and other origins' pages.
async fn only_by_address(request: Request, next: Next) -> Response {
    if console::own_origin(request.headers()) {
        return next.run(request).await;
    }
    StatusCode::FORBIDDEN.into_response()
}

/// The operations that HTTP reaches: those that AWS's model has the shapes of.
pub(crate) fn served(cloud: &Cloud) -> Vec<String> {
    let mut names = cloud.operations().names();
    names.retain(|name| {
        name.split_once(':').is_some_and(|(service, name)| has_shapes(service, name) == Some(true))
    });
    names
}

async fn only_with_token(State(cloud): State<Cloud>, request: Request, next: Next) -> Response {
    if console::may_ask(&cloud, request.headers()) {
        return next.run(request).await;
    }
    let text = "this route needs the header x-seatrial-token: `local status --output json` tells it";
    (StatusCode::FORBIDDEN, text).into_response()
}

async fn status(State(cloud): State<Cloud>) -> Json<Value> {
    Json(json!({
        "endpoint": cloud.endpoint(),
        "region": cloud.region(),
        "account": cloud.account(),
        "operations": served(&cloud),
        "in_flight": cloud.drivers().under_way(),
        // Null where tasks have namespaces of their own.
        "no_namespaces": cloud.part::<Sandboxes>().usable(&cloud).await.err().map(|found| found.to_string()),
    }))
}

async fn journal(State(cloud): State<Cloud>) -> Json<Vec<Entry>> {
    Json(cloud.journal().entries())
}

/// The permissions that were asked for, and the roles with their policies as they are now.
async fn permissions(State(cloud): State<Cloud>) -> Json<Value> {
    Json(json!({
        "account": cloud.account(),
        "region": cloud.region(),
        "uses": cloud.journal().uses(),
        "roles": services::roles_with_policies(&cloud),
    }))
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

/// Where each load balancer's listeners answer on this machine.
async fn listeners(State(cloud): State<Cloud>) -> Json<Vec<LocalListener>> {
    Json(elbv2::local_listeners(&cloud))
}

/// Requests by target group and code, since this process began.
async fn traffic(State(cloud): State<Cloud>) -> Json<BTreeMap<String, Snapshot>> {
    Json(elbv2::access_figures(&cloud).into_iter().collect())
}

/// The handshake that a person makes in the console.
async fn complete_connection(State(cloud): State<Cloud>, Path(id): Path<String>) -> Response {
    match crate::services::codeconnections::complete(&cloud, &id) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

/// The DNS records that a person makes at whoever serves the domain.
async fn validate_certificate(State(cloud): State<Cloud>, Path(id): Path<String>) -> Response {
    match acm::validate(&cloud, &id) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

/// What a project names and only its account has.
async fn stand_in(State(cloud): State<Cloud>, Json(wanted): Json<StandIn>) -> Response {
    match wanted.make(&cloud) {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(error) => (StatusCode::CONFLICT, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use crate::operation::Operations;
    use crate::protocol::has_shapes;

    #[test]
    fn every_operation_served_has_its_shapes() {
        let mut operations = Operations::default();
        crate::services::register(&mut operations);
        let names = operations.names();
        // Of EC2 little is asked over HTTP: its other operations are for services here, in a form of their own.
        let without: Vec<_> = names
            .iter()
            .filter(|name| {
                let (service, operation) = name.split_once(':').unwrap();
                service != "ec2" && has_shapes(service, operation) == Some(false)
            })
            .collect();
        assert!(without.is_empty(), "add to crates/seatrial-local/models/served.json: {without:?}");
    }
}
