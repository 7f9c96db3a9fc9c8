//! `xtask local serve`: the daemon itself.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use seatrial_local::{LocalCloud, Options, Settings};

use super::connection::Connection;
use super::data_dir::{claim, remove_data, remove_throwaway};
use super::entries::{DISOWNED, TASK_AGENT, connection_file};
use super::options::ServeOptions;
use crate::interrupt::Signals;

/// Serves until a signal or its owner's end, then ends everything it started.
pub(crate) async fn serve(options: ServeOptions) -> anyhow::Result<()> {
    // Its own session: a Ctrl-C in the starter's terminal is not meant for it. Fails only where the process
    // leads a group already, as when a person runs it by hand.
    let _ = nix::unistd::setsid();
    let filter = std::env::var("XTASK_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = filter.and_then(|filter| tracing_subscriber::EnvFilter::try_new(filter).ok());
    let filter = filter.unwrap_or_else(|| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    claim(&options.data_dir)?;
    let mut signals = Signals::take()?;
    let local = start(&options).await?;
    let file = connection_file(&options.data_dir);
    write_connection(&file, &connection(&local, &options))?;
    tokio::select! {
        () = signals.next() => {}
        () = abandoned(&options) => {}
    }
    // Whoever comes now must start anew rather than talk to a cloud that is going down.
    let _ = std::fs::remove_file(&file);
    local.stop().await;
    // Also when the owner told it to end, and did not live to see that.
    if is_abandoned(&options) {
        remove_abandoned(&options)?;
    }
    Ok(())
}

/// Returns when the owner has ended, unless it said that the local cloud is to stay.
async fn abandoned(options: &ServeOptions) {
    let Some(owner) = options.owner else { return std::future::pending().await };
    owner.ended().await;
    if !is_abandoned(options) {
        std::future::pending().await
    }
}

fn is_abandoned(options: &ServeOptions) -> bool {
    options.owner.is_some_and(|owner| !owner.lives()) && !options.data_dir.join(DISOWNED).exists()
}

fn remove_abandoned(options: &ServeOptions) -> anyhow::Result<()> {
    remove_data(&options.data_dir)?;
    match &options.throwaway {
        Some(directory) => remove_throwaway(directory).map(drop),
        None => Ok(()),
    }
}

async fn start(options: &ServeOptions) -> anyhow::Result<LocalCloud> {
    let settings = Settings {
        account: options.account.clone(),
        region: options.region.clone(),
        source: options.source.clone(),
        task_agent: TASK_AGENT.map(str::to_owned).into(),
    };
    let latencies = options.latencies.as_deref().map(seatrial_local::read_latencies).transpose()?;
    let options = Options {
        data_dir: options.data_dir.clone(),
        port: options.port,
        settings,
        time_scale: options.time_scale,
        latencies: latencies.unwrap_or_default(),
    };
    Ok(LocalCloud::start(options).await?)
}

fn connection(local: &LocalCloud, options: &ServeOptions) -> Connection {
    Connection {
        endpoint: local.endpoint().to_owned(),
        region: options.region.clone(),
        access_key_id: local.operator().access_key_id.clone(),
        secret_access_key: local.operator().secret_access_key.clone(),
        registry: local.cloud().registry().to_owned(),
        pid: std::process::id(),
        data_dir: options.data_dir.clone(),
        certificate_authority: seatrial_local::certificate_authority(&options.data_dir),
        token: local.token(),
        build: seatrial_local::SOURCE.to_owned(),
    }
}

fn write_connection(path: &Path, connection: &Connection) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(&serde_json::to_vec_pretty(connection)?)?;
    std::fs::rename(&new, path).with_context(|| format!("failed to write `{}`", path.display()))
}
