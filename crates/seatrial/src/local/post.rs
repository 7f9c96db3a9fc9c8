//! The local cloud's own routes, which no AWS client knows.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::Connection;

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
