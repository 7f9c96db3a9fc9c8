//! The local cloud's page: opened in a browser, told of what was released, and read for a report.

use std::process::Stdio;
use std::time::Duration;

use http::Method;
use seatrial_local::open_files;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

use super::connection::Connection;
use super::post::send;

/// A browser that cannot be started says so at once; one that is started may stay with whoever started it.
const STARTED: Duration = Duration::from_secs(2);

/// Where the page is.
#[derive(Debug)]
pub(crate) enum Opened {
    /// In a browser.
    Browser,
    /// Nowhere yet: this address opens it, once, and within a minute.
    At(String),
}

#[derive(Deserialize)]
struct Ticket {
    path: String,
}

/// Opens the page in this machine's browser. Whoever sees the address that a browser is started with comes too late: it
/// is good once.
///
/// # Errors
/// A local cloud that does not answer.
pub(crate) async fn open_page(connection: &Connection) -> anyhow::Result<Opened> {
    let answer = send(connection, (Method::POST, "/_local/page/ticket"), &json!({})).await?;
    let Ticket { path } = serde_json::from_slice(&answer)?;
    let address = format!("{}{path}", connection.endpoint);
    let started = has_screen() && browse(&address).await;
    Ok(if started { Opened::Browser } else { Opened::At(address) })
}

/// Tells the page of releases: the object that `rehearse --output json` prints.
///
/// # Errors
/// As [`open_page`].
pub(crate) async fn tell_page(connection: &Connection, verdict: &Value) -> anyhow::Result<()> {
    send(connection, (Method::PUT, "/_local/page/verdict"), verdict).await.map(drop)
}

/// All that the page shows.
///
/// # Errors
/// As [`open_page`].
pub(crate) async fn page_data(connection: &Connection) -> anyhow::Result<Value> {
    let answer = send(connection, (Method::GET, "/_local/page/data"), &Value::Null).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Without one a browser in a terminal would take the terminal.
fn has_screen() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

async fn browse(address: &str) -> bool {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It outlives this program, whatever its terminal tells.
    command.process_group(0);
    open_files::restore_in(&mut command);
    let Ok(mut child) = command.spawn() else { return false };
    match tokio::time::timeout(STARTED, child.wait()).await {
        Ok(ended) => ended.is_ok_and(|status| status.success()),
        Err(_) => true,
    }
}
