//! The endpoint at which tasks and builds fetch the credentials of their role, as ECS's agent and CodeBuild serve it
//! (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>). Errors are in the words of
//! aws/amazon-ecs-agent (`agent/handlers/v1/credentials_handler.go`).

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::extract::{Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::session::{RoleSession, Session};
use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};

/// Where AWS's SDKs look for `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`.
pub(crate) const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 170, 2), 80);

/// What is served on the local cloud's own port: sessions of what runs in this machine's network.
#[derive(Default)]
pub(super) struct OnOwnPort {
    sessions: Mutex<HashMap<String, Weak<Session>>>,
}

impl Part for OnOwnPort {
    fn open(_setup: &Setup) -> Self {
        Self::default()
    }
}

impl OnOwnPort {
    fn keep(&self, session: &Arc<Session>) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, kept| kept.strong_count() > 0);
        sessions.insert(session.id.clone(), Arc::downgrade(session));
    }

    fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(id).and_then(Weak::upgrade)
    }
}

impl RoleSession {
    /// Serves this session and no other, for a network of the task's own in which [`ADDRESS`] leads here.
    pub(crate) fn router(&self) -> Router {
        // Connections outlive the listener; they must not keep the session.
        Router::new().route("/v2/credentials/{id}", get(alone)).with_state(Arc::downgrade(&self.session))
    }

    /// The variable by which a task with a network of its own finds its credentials.
    pub(crate) fn relative(&self) -> (String, String) {
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI".to_owned(), format!("/v2/credentials/{}", self.session.id))
    }

    /// Serves the session on the local cloud's own port, to whoever has its token. The variables by which what runs in
    /// this machine's network, where nobody has [`ADDRESS`], finds it: AWS's SDKs take plain HTTP from a loopback
    /// address (AWS SDKs and Tools Reference Guide, "Container credential provider").
    pub(crate) fn full(&self, cloud: &Cloud) -> [(String, String); 2] {
        cloud.part::<OnOwnPort>().keep(&self.session);
        let uri = format!("{}/_local/credentials/{}", cloud.endpoint(), self.session.id);
        [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), uri),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN".to_owned(), self.session.token.clone()),
        ]
    }
}

async fn alone(State(session): State<Weak<Session>>, Path(id): Path<String>) -> Response {
    match session.upgrade().filter(|session| is(&session.id, &id)) {
        Some(session) => answer(&session).await,
        None => not_found(),
    }
}

/// `/_local/credentials/{id}`.
pub(crate) async fn serve(
    State(cloud): State<Cloud>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let token = headers.get(AUTHORIZATION).and_then(|token| token.to_str().ok()).unwrap_or_default();
    let found = cloud.part::<OnOwnPort>().find(&id).filter(|session| is(&session.token, token));
    match found {
        Some(session) => answer(&session).await,
        None => not_found(),
    }
}

fn is(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

async fn answer(session: &Session) -> Response {
    let key = session.current().await;
    Json(json!({
        "RoleArn": session.role_arn,
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret_access_key,
        "Token": key.session_token,
        "Expiration": key.expiration.map(written),
    }))
    .into_response()
}

/// `2026-11-28T10:04:05Z`.
fn written(time: Epoch) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds of our era")]
    let time = Timestamp::from_second(time.0 as i64).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn not_found() -> Response {
    let (code, message) = ("InvalidIdInRequest", "CredentialsV2Request: Credentials not found");
    let body = json!({ "code": code, "message": message, "HTTPErrorCode": 400 });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
