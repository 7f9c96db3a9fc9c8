//! Programs run on the user's behalf: each ends with the command, and all that it started with it.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use xshell::Shell;

use crate::exit::Interrupted;
use crate::session::Session;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(20);

/// Runs a program that asks nothing to its end, in a process group of its own.
///
/// # Errors
/// [`Interrupted`], when the program and all that it started have ended; a program that cannot be started.
pub(crate) async fn run(session: &Session, mut command: Command) -> anyhow::Result<ExitStatus> {
    session.cancel.check()?;
    command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("failed to start `{name}`"))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    tokio::select! {
        status = child.wait() => return status.with_context(|| format!("failed to wait for `{name}`")),
        () = session.cancel.cancelled() => {}
    }
    if let Some(group) = group {
        end(&mut child, group).await;
    }
    Err(Interrupted.into())
}

/// The leader is waited for; whoever of the group outlives it is killed.
async fn end(child: &mut Child, group: Pid) {
    // Each may be gone already.
    let _ = killpg(group, Signal::SIGTERM);
    let _ = tokio::time::timeout(GRACE, child.wait()).await;
    let _ = killpg(group, Signal::SIGKILL);
    let _ = child.wait().await;
}

/// A shell in `dir`.
pub(crate) fn shell(dir: &Path) -> anyhow::Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(dir);
    Ok(sh)
}
