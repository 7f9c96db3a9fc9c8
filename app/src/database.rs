//! The connection to Postgres: opened in the background, with back-off, for as long as it takes.

use std::time::Duration;

use anyhow::Context as _;
use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use tokio::sync::watch;
use tracing::{info, warn};

const FIRST_DELAY: Duration = Duration::from_millis(100);
/// A security group that lets nothing through answers nothing.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// So many connections are open before a task is healthy, and stay so. With blue and green side by side there are twice as
/// many tasks, and the smallest RDS instance takes about 80.
const READY: u32 = 4;

/// The pool, once the database was reached and its schema is in step.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: watch::Receiver<Option<PgPool>>,
    /// Nobody configured one.
    is_absent: bool,
}

impl Database {
    /// Starts connecting. Without `options` there is no database to wait for, and the pages say so. Where the
    /// application does not migrate at its start, the database is up once somebody else has migrated it.
    pub(crate) fn connect_in_background(options: Option<PgConnectOptions>, migrates: bool) -> Self {
        let (sender, pool) = watch::channel(None);
        let is_absent = options.is_none();
        match options {
            Some(options) => {
                tokio::spawn(connect(options, migrates, sender));
            }
            None => warn!("neither DATABASE_URL nor DB_HOST is set: running without a database"),
        }
        Self { pool, is_absent }
    }

    /// The pool, or none while the database was never reached.
    pub(crate) fn pool(&self) -> Option<PgPool> {
        self.pool.borrow().clone()
    }

    /// Whether the schema has been in step once, or there is no database at all. Once true it stays so.
    pub(crate) fn is_migrated(&self) -> bool {
        self.is_absent || self.pool.borrow().is_some()
    }

    /// Waits for the first connection, at most `limit`.
    pub(crate) async fn wait_until_up(&self, limit: Duration) {
        let mut pool = self.pool.clone();
        // Both errors mean "not now": the limit passed, or nobody connects at all.
        let _ = tokio::time::timeout(limit, pool.wait_for(Option::is_some)).await;
    }

    /// Whether a query is answered now, within `limit`.
    pub(crate) async fn answers(&self, limit: Duration) -> bool {
        let Some(pool) = self.pool() else { return false };
        let query = sqlx::query("SELECT 1").execute(&pool);
        matches!(tokio::time::timeout(limit, query).await, Ok(Ok(_)))
    }

    /// Says goodbye to the server, at most `limit`.
    pub(crate) async fn close(&self, limit: Duration) {
        if let Some(pool) = self.pool() {
            // The process ends next: connections that do not close in time are closed by the system.
            let _ = tokio::time::timeout(limit, pool.close()).await;
        }
    }
}

/// Brings the schema in step, once: `app migrate`.
pub(crate) async fn migrate(options: &PgConnectOptions) -> anyhow::Result<()> {
    let mut connection = connection(options).await?;
    migrator().run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn connect(options: PgConnectOptions, migrates: bool, sender: watch::Sender<Option<PgPool>>) {
    let host = options.get_host().to_owned();
    if matches!(options.get_ssl_mode(), PgSslMode::Require) {
        warn!(host, "no DB_CA_BUNDLE: the connection is encrypted, the server's certificate is not verified");
    }
    let mut delay = FIRST_DELAY;
    loop {
        match open(&options, migrates).await {
            Ok(pool) => {
                info!(host, "database is up");
                metrics::gauge!("app_database_connected").set(1.0);
                sender.send_replace(Some(pool));
                return;
            }
            Err(error) => {
                let retry_ms = delay.as_millis() as u64;
                warn!(host, error = format!("{error:#}"), retry_ms, "database is not there yet");
            }
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// The first connection is made without the pool, which would retry by itself and keep the reason to itself.
async fn open(options: &PgConnectOptions, migrates: bool) -> anyhow::Result<PgPool> {
    connection(options).await?.close().await?;
    let pool = PgPoolOptions::new().min_connections(READY).max_connections(8);
    let pool = pool.acquire_timeout(Duration::from_secs(3)).connect_lazy_with(options.clone());
    match migrates {
        true => migrator().run(&pool).await?,
        false => is_in_step(&pool).await?,
    }
    warm(&pool).await?;
    Ok(pool)
}

/// Opens what the first users would else wait for: a connection with its password and TLS takes tens of milliseconds, and
/// when traffic shifts they all come at once.
async fn warm(pool: &PgPool) -> anyhow::Result<()> {
    let mut open = Vec::new();
    for _ in 0..READY {
        open.push(pool.acquire().await?);
    }
    Ok(())
}

async fn connection(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let connection = tokio::time::timeout(CONNECT_LIMIT, PgConnection::connect_with(options)).await;
    Ok(connection.with_context(|| format!("no connection within {CONNECT_LIMIT:?}"))??)
}

/// Whether every migration of this version was applied; there may be newer ones.
async fn is_in_step(pool: &PgPool) -> anyhow::Result<()> {
    let wanted: Vec<i64> = migrator().iter().map(|migration| migration.version).collect();
    let count = "SELECT count(*) FROM _sqlx_migrations WHERE success AND version = ANY($1)";
    let applied: i64 = sqlx::query_scalar(count).bind(&wanted).fetch_one(pool).await?;
    let of = wanted.len();
    anyhow::ensure!(
        usize::try_from(applied) == Ok(of),
        "{applied} of {of} migrations were applied: `app migrate` does it"
    );
    Ok(())
}

/// Every file of `migrations/`. Takes sqlx's advisory lock while it runs, so tasks that start together migrate once.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    // After a rollback the schema is newer than the application: that must not stop it.
    migrator.set_ignore_missing(true);
    migrator
}
