//! The local cloud's own routes, which no AWS client knows.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::connection::Connection;

/// A local cloud that is well answers at once.
const STATUS_PATIENCE: Duration = Duration::from_secs(5);

/// Posts JSON to one of the routes under `/_local/`.
pub(crate) async fn post(
    connection: &Connection,
    path: &str,
    body: &serde_json::Value,
) -> anyhow::Result<()> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("{}{path}", connection.endpoint))
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))?;
    let answer = client.request(request).await.with_context(|| format!("failed to post to `{path}`"))?;
    let status = answer.status();
    if !status.is_success() {
        let text = answer.into_body().collect().await?.to_bytes();
        bail!("the local cloud answered {status} to `{path}`: {}", String::from_utf8_lossy(&text));
    }
    Ok(())
}

/// What is under way there, by the engines' words. Read from its status.
///
/// # Errors
/// It does not answer, or in another form: it may be busy.
pub(super) async fn in_flight(connection: &Connection) -> anyhow::Result<Vec<String>> {
    Ok(status(connection).await?.in_flight)
}

#[derive(serde::Deserialize)]
struct Status {
    in_flight: Vec<String>,
}

async fn status(connection: &Connection) -> anyhow::Result<Status> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("{}/_local/status", connection.endpoint)).body(Full::default())?;
    let answer = tokio::time::timeout(STATUS_PATIENCE, client.request(request)).await??;
    Ok(serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?)
}
