//! The local cloud's own routes, which no AWS client knows.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::connection::Connection;
use crate::exit::Refused;

/// A local cloud that is well answers at once; on a busy machine that may take a moment.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts JSON to one of the routes under `/_local/`.
///
/// # Errors
/// As [`in_flight`]; an answer that is no success.
pub(crate) async fn post(connection: &Connection, path: &str, body: &Value) -> anyhow::Result<()> {
    send(connection, (Method::POST, path), body).await.map(drop)
}

/// Sends JSON to one of the routes under `/_local/`, and answers what it answers.
///
/// # Errors
/// As [`post`].
pub(super) async fn send(
    connection: &Connection,
    (method, path): (Method, &str),
    body: &Value,
) -> anyhow::Result<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", connection.endpoint))
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))?;
    let (status, text) = ask(connection, request).await?;
    if !status.is_success() {
        bail!("the local cloud answered {status} to `{path}`: {}", String::from_utf8_lossy(&text));
    }
    Ok(text)
}

/// The permissions that its callers needed, and its roles with what they may.
///
/// # Errors
/// As [`in_flight`]; a local cloud of a build that answers in another form.
pub(crate) async fn permissions(connection: &Connection) -> anyhow::Result<seatrial_permissions::Record> {
    let request = Request::get(format!("{}/_local/permissions", connection.endpoint)).body(Full::default())?;
    let (_, text) = ask(connection, request).await?;
    serde_json::from_slice(&text).context("the local cloud tells of permissions in another form")
}

/// What is under way there, by the engines' words; `None` where it answers in another form. Read from its status.
///
/// # Errors
/// Refused where it does not answer in time; a connection that cannot be made, or breaks.
pub(crate) async fn in_flight(connection: &Connection) -> anyhow::Result<Option<Vec<String>>> {
    Ok(status(connection).await?.map(|Status { in_flight: mut found, .. }| {
        found.retain(|one| !one.starts_with(SERVING));
        found
    }))
}

/// Why its tasks have no namespaces of their own; `None` where they have. Read from its status.
///
/// # Errors
/// As [`in_flight`].
pub(crate) async fn no_namespaces(connection: &Connection) -> anyhow::Result<Option<String>> {
    Ok(status(connection).await?.and_then(|status| status.no_namespaces))
}

async fn status(connection: &Connection) -> anyhow::Result<Option<Status>> {
    let request = Request::get(format!("{}/_local/status", connection.endpoint)).body(Full::default())?;
    let (_, text) = ask(connection, request).await?;
    Ok(serde_json::from_slice(&text).ok())
}

/// What earlier builds told of a database for as long as it was there: it serves, and nothing is under way.
const SERVING: &str = "rds-instance ";

#[derive(serde::Deserialize)]
struct Status {
    in_flight: Vec<String>,
    #[serde(default)]
    no_namespaces: Option<String>,
}

/// The whole answer: its head may come, and its body not.
async fn ask(
    connection: &Connection,
    mut request: Request<Full<Bytes>>,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let mut token = HeaderValue::from_str(&connection.token)?;
    token.set_sensitive(true);
    request.headers_mut().insert("x-seatrial-token", token);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = async {
        let answer = client.request(request).await?;
        let status = answer.status();
        anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
    };
    let Connection { endpoint, pid, .. } = connection;
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answered) => answered.with_context(|| format!("failed to ask the local cloud at {endpoint}")),
        Err(_) => {
            let silent = format!("the local cloud at {endpoint} does not answer within {PATIENCE:?}");
            let hint = format!("`cargo xtask local stop` ends it, `kill -9 {pid}` also one that hangs");
            Err(Refused::new(silent).hint(hint).into())
        }
    }
}
