//! A portal of one page.

use axum::routing::get;
use axum::Router;
use tokio::signal::unix::{signal, SignalKind};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    greeting::settings();
    let port = std::env::var("PORT").unwrap_or_else(|_| "4000".to_owned());
    let router = Router::new()
        .route("/", get(|| async { greeting::PAGE }))
        .route("/healthz", get(|| async { "ok" }));
    let mut ends = signal(SignalKind::terminate())?;
    let listener = tokio::net::TcpListener::bind(format!("0.0.0.0:{port}")).await?;
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { drop(ends.recv().await) })
        .await
}
