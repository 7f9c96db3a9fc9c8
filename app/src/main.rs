//! The web application: a release log kept in Postgres, served on `HOST:PORT`. `app migrate` brings its database in step
//! and ends; without that each task does so when it starts.
//!
//! On SIGTERM it turns unready, goes on serving for the drain delay, then accepts nothing new, finishes what is
//! in flight and exits 0.

mod config;
mod database;
mod entry;
mod error;
mod forwarded;
mod headers;
mod health;
mod identity;
mod limit;
mod observe;
mod origin;
mod router;
mod routes;
mod state;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::database::Database;
use crate::identity::Identity;
use crate::limit::PostLimit;
use crate::state::{AppState, Lifecycle};

#[tokio::main]
async fn main() -> ExitCode {
    observe::start_logging();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run().await,
        ["migrate"] => migrate().await,
        _ => Err(anyhow::anyhow!("the only argument there is is `migrate`, found `{}`", arguments.join(" "))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(error = format!("{error:#}"), "the application stops");
            ExitCode::FAILURE
        }
    }
}

async fn migrate() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let database =
        config.database.context("neither DATABASE_URL nor DB_HOST is set: there is nothing to migrate")?;
    database::migrate(&database).await?;
    info!("migrated");
    Ok(())
}

async fn run() -> anyhow::Result<()> {
    // Taken first: a SIGTERM that comes while the application starts must end it cleanly too.
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;

    let config = Config::from_env()?;
    if let Some(port) = config.metrics_port {
        observe::start_metrics(port).await?;
    }
    let database = Database::connect_in_background(config.database.clone(), config.migrates_at_start);
    let identity = Identity::discover(&config).await;
    database.wait_until_up(config.startup_grace).await;

    let lifecycle = Arc::new(Lifecycle::default());
    let state = AppState { identity: Arc::new(identity), database, lifecycle: Arc::clone(&lifecycle) };
    let listener = TcpListener::bind((config.host.as_str(), config.port))
        .await
        .with_context(|| format!("failed to listen on `{}:{}`", config.host, config.port))?;
    let address = listener.local_addr().context("failed to read the listener's address")?;
    info!(%address, commit = state.identity.commit, task = state.identity.task, "listening");

    let drain_delay = config.drain_delay;
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let posts = PostLimit::per_minute(config.posts_per_minute);
    let router = router::build(state.clone(), posts).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!(drain_delay_ms = drain_delay.as_millis() as u64, "draining");
        lifecycle.start_draining();
        tokio::time::sleep(drain_delay).await;
        // The receiver is gone only when the server has ended already.
        let _ = stopping.send(());
    });
    tokio::select! {
        result = server => result.context("the server failed")?,
        () = deadline(stopped, config.stop_timeout) => {
            warn!("requests were still in flight at the stop time-out");
        }
    }
    state.database.close(Duration::from_secs(1)).await;
    info!("stopped");
    Ok(())
}

/// Ends `timeout` after `started` was signalled; never, when it is dropped without a signal.
async fn deadline(started: tokio::sync::oneshot::Receiver<()>, timeout: Duration) {
    match started.await {
        Ok(()) => tokio::time::sleep(timeout).await,
        Err(_) => std::future::pending().await,
    }
}
