//! The application: one page, and the health check that the load balancer asks.

use std::env;
use std::io;
use std::net::{IpAddr, Ipv6Addr};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const PAGE: &str = include_str!("page.html");

#[tokio::main]
async fn main() -> io::Result<()> {
    // All addresses, unless somebody says which.
    let host = env::var("HOST").ok().and_then(|host| host.parse().ok());
    let host = host.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let port = env::var("PORT")
        .ok()
        .and_then(|port| port.parse().ok())
        .unwrap_or(4000);
    let router = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/healthz", get(|| async { "ok" }));
    // Without the signal's handler a container is killed in the middle of its requests.
    let mut ends = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind((host, port)).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { drop(ends.recv().await) })
        .await
}
