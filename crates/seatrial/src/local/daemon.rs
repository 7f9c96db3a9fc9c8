//! Finding, starting and ending the daemon.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Connection;
use super::data_dir::{claim, clear, refuse_foreign};
use super::serve::ServeOptions;
use crate::exit::Refused;

/// A cloud with a database and running tasks takes a second or two to come back.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// Tasks drain and get their stop time-out before the daemon ends.
const STOP_PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

pub(super) fn connection_file(data_dir: &Path) -> PathBuf {
    data_dir.join("daemon.json")
}

fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.join("daemon.log")
}

/// Changes whenever this program is built anew: a daemon of another build is restarted.
pub(super) fn build_id() -> String {
    let identity = || -> std::io::Result<String> {
        let metadata = std::env::current_exe()?.metadata()?;
        let modified = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(format!("{}-{}", metadata.len(), modified.as_nanos()))
    };
    identity().unwrap_or_default()
}

/// The daemon that runs on `data_dir`, if one does.
pub(crate) fn find(data_dir: &Path) -> Option<Connection> {
    if !is_locked(data_dir) {
        return None;
    }
    let text = std::fs::read(connection_file(data_dir)).ok()?;
    let connection: Connection = serde_json::from_slice(&text).ok()?;
    is_alive(connection.pid).then_some(connection)
}

/// The running daemon: found, started, or started anew where it is of another build.
pub(crate) async fn ensure_running(options: &ServeOptions) -> anyhow::Result<Connection> {
    claim(&options.data_dir)?;
    match find(&options.data_dir) {
        Some(found) if found.build == build_id() => return Ok(found),
        Some(_) => stop(&options.data_dir).await?,
        None => {}
    }
    start(options).await
}

async fn start(options: &ServeOptions) -> anyhow::Result<Connection> {
    let dir = &options.data_dir;
    let log = open_log(dir)?;
    let log_start = log.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["local", "serve", "--region", &options.region, "--account", &options.account]);
    command.arg("--data-dir").arg(dir).arg("--source").arg(&options.source);
    command.arg("--time-scale").arg(options.time_scale.to_string());
    if let Some(port) = options.port {
        command.arg("--port").arg(port.to_string());
    }
    // A daemon must not keep the starter's terminal, pipes or directory.
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir("/");
    let mut child = command.spawn().context("failed to start the local cloud")?;
    let deadline = Instant::now() + START_PATIENCE;
    while Instant::now() < deadline {
        if let Some(connection) = find(dir).filter(|found| found.build == build_id()) {
            return Ok(connection);
        }
        if let Some(status) = child.try_wait()? {
            // Another command may have started one at the same moment.
            if let Some(connection) = find(dir) {
                return Ok(connection);
            }
            if !is_locked(dir) {
                return Err(did_not_start(dir, log_start, &status.to_string()));
            }
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("the local cloud did not start within {START_PATIENCE:?}; its log is `{}`", log_file(dir).display())
}

fn open_log(dir: &Path) -> anyhow::Result<File> {
    let refused = |error: std::io::Error| {
        Refused::new(format!("data directory `{}` is not writable: {error}", dir.display()))
            .hint("set XTASK_LOCAL_DATA_DIR to a directory you may write to")
    };
    Ok(OpenOptions::new().create(true).append(true).open(log_file(dir)).map_err(refused)?)
}

/// The daemon's own last words, which say why: a port that is taken, a directory that is not writable.
fn did_not_start(dir: &Path, log_start: u64, status: &str) -> anyhow::Error {
    let log = std::fs::read(log_file(dir)).unwrap_or_default();
    let start = usize::try_from(log_start).unwrap_or(0).min(log.len());
    let tail = String::from_utf8_lossy(log.get(start..).unwrap_or_default());
    let reason = tail.lines().filter_map(|line| line.strip_prefix("error: ")).next_back();
    match reason {
        Some(reason) => Refused::new(format!("the local cloud did not start: {reason}")).into(),
        None => anyhow::anyhow!(
            "the local cloud ended at once ({status}); its log is `{}`",
            log_file(dir).display()
        ),
    }
}

/// Ends the daemon and waits until it is gone; fine if none runs.
pub(crate) async fn stop(data_dir: &Path) -> anyhow::Result<()> {
    let Some(connection) = find(data_dir) else { return Ok(()) };
    let pid = Pid::from_raw(i32::try_from(connection.pid)?);
    kill(pid, Signal::SIGTERM).context("failed to end the local cloud")?;
    let deadline = Instant::now() + STOP_PATIENCE;
    while is_locked(data_dir) {
        if Instant::now() > deadline {
            bail!("the local cloud (pid {pid}) is still running {STOP_PATIENCE:?} after SIGTERM");
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Ends the daemon and removes all it kept; answers what was left in its directory, as somebody else's.
pub(crate) async fn reset(data_dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    refuse_foreign(data_dir)?;
    stop(data_dir).await?;
    remove_data(data_dir)
}

/// The same for a destructor, which cannot wait otherwise.
pub(crate) fn end_and_wait(data_dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    refuse_foreign(data_dir)?;
    if let Some(connection) = find(data_dir) {
        kill(Pid::from_raw(i32::try_from(connection.pid)?), Signal::SIGTERM)?;
        let deadline = Instant::now() + STOP_PATIENCE;
        while is_locked(data_dir) && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }
    remove_data(data_dir)
}

/// The data, and the databases that had to live outside its directory.
fn remove_data(data_dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let left = clear(data_dir)?;
    seatrial_local::sweep_databases(Some(data_dir));
    Ok(left)
}

fn is_alive(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok())
}

/// Whether a local cloud holds the lock on its data directory.
fn is_locked(data_dir: &Path) -> bool {
    let Ok(file) = OpenOptions::new().write(true).open(data_dir.join("lock")) else { return false };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err()
}
