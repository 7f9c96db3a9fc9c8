//! Logs and metrics: one JSON line and one count per request.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tracing::{Instrument as _, Level, debug, info, info_span, warn};
use tracing_subscriber::EnvFilter;

use crate::state::AppState;

/// Upper bounds in seconds; the page is expected in single milliseconds, the request time-out is 10 s.
const LATENCY_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// JSON on standard output, at `RUST_LOG` or `info`.
pub(crate) fn start_logging() {
    let mut filter = EnvFilter::builder().with_default_directive(Level::INFO.into()).from_env_lossy();
    // Each start would be told that the migrations' table is there already.
    if let Ok(quiet) = "sqlx::postgres::notice=warn".parse() {
        filter = filter.add_directive(quiet);
    }
    tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false).with_env_filter(filter).init();
}

/// Installs the process's recorder, keeps its histograms small, and serves them as Prometheus text on a listener of
/// their own: what an application counts is not for its visitors. No address but 127.0.0.1 reaches it.
///
/// Before this, or without it, counts are dropped.
pub(crate) async fn start_metrics(port: u16) -> anyhow::Result<()> {
    let handle = PrometheusBuilder::new()
        .set_buckets(LATENCY_BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .context("failed to install the metrics recorder")?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_secs(5));
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
        }
    });
    metrics::gauge!("app_database_connected").set(0.0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("failed to listen for metrics on `127.0.0.1:{port}`"))?;
    let metrics_address = listener.local_addr().context("failed to read the metrics' address")?;
    info!(%metrics_address, "serving metrics");
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let router = Router::new().route("/metrics", get(async move || (text, handle.render())));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            warn!(%error, "metrics are served no more");
        }
    });
    Ok(())
}

/// Counts, times and logs a request; ends kept-alive connections while draining.
pub(crate) async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // The matched route, not the path: a label must have few values.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let id = text(request.headers(), "x-request-id");
    let trace_id = text(request.headers(), "x-amzn-trace-id");
    let span = info_span!("request", %id, %trace_id, %method, path);

    let started = Instant::now();
    metrics::gauge!("http_requests_in_flight").increment(1.0);
    let mut response = next.run(request).instrument(span.clone()).await;
    metrics::gauge!("http_requests_in_flight").decrement(1.0);
    let elapsed = started.elapsed();

    let status = response.status();
    let labels =
        [("method", label(&method)), ("route", route.clone()), ("status", status.as_str().to_owned())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", "route" => route).record(elapsed.as_secs_f64());
    let (status_code, duration_ms) = (status.as_u16(), elapsed.as_secs_f64() * 1000.0);
    span.in_scope(|| match path.as_str() {
        _ if status.is_server_error() => warn!(status = status_code, duration_ms, "request failed"),
        // Every few seconds from every load balancer node: noise, unless they fail.
        "/healthz" | "/readyz" => debug!(status = status_code, duration_ms, "request"),
        _ => info!(status = status_code, duration_ms, "request"),
    });
    if state.lifecycle.is_draining() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Clients may make up methods.
fn label(method: &Method) -> String {
    match *method {
        Method::GET | Method::HEAD | Method::POST => method.to_string(),
        _ => "other".to_owned(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
