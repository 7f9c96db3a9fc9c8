//! Programs run on the user's behalf: each ends with the command, and all that it started with it.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use seatrial_local::open_files;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use xshell::Shell;

use crate::exit::Interrupted;
use crate::output::{Ear, Event, What, Whole};
use crate::session::Session;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// Runs a program that asks nothing to its end, in a process group of its own. What it prints is progress: on a screen
/// that leaves little its end is left where it fails.
///
/// # Errors
/// [`Interrupted`], when the program and all that it started have ended; a program that cannot be started.
pub(crate) async fn run(session: &Session, mut command: Command) -> anyhow::Result<ExitStatus> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    if let Some(ear) = session.printer.ear(&name) {
        return shown(session, command, (&name, ear)).await;
    }
    // Standard output is the outcome's alone.
    command.stdout(Stdio::from(io::stderr()));
    to_the_end(session, command, async |child| child.wait().await).await
}

async fn shown(
    session: &Session,
    mut command: Command,
    (name, ear): (&str, Ear),
) -> anyhow::Result<ExitStatus> {
    let whole = Whole { prefix: String::new(), count: 0, expected: None };
    let _together = session.printer.together(name, whole);
    session.printer.tell(Event::new(None, name, What::InWork));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = to_the_end(session, command, async |child| {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (_, _, status) = tokio::try_join!(hear(stdout, &ear), hear(stderr, &ear), child.wait())?;
        Ok(status)
    })
    .await;
    // Of one that was ended early nobody asks what it wrote last.
    let failed = ended.as_ref().is_ok_and(|status| !status.success());
    session.printer.tell(Event::new(None, name, What::Reached { changed: true, failed }));
    ended
}

/// Tells a program's lines as they come; what is no text is no line.
async fn hear(stream: Option<impl AsyncRead + Unpin>, ear: &Ear) -> io::Result<()> {
    let Some(stream) = stream else { return Ok(()) };
    let (mut stream, mut line) = (tokio::io::BufReader::new(stream), Vec::new());
    while stream.read_until(b'\n', &mut line).await? > 0 {
        ear(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(())
}

/// The same, and answers what the program prints.
///
/// # Errors
/// As [`run`].
pub(crate) async fn output(session: &Session, mut command: Command) -> anyhow::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    to_the_end(session, command, async |child| {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr, status) = tokio::try_join!(all(stdout), all(stderr), child.wait())?;
        Ok(Output { status, stdout, stderr })
    })
    .await
}

/// [`run`] for those who cannot wait otherwise than by blocking their thread.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_blocking(session: &Session, command: Command) -> anyhow::Result<ExitStatus> {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| runtime.block_on(run(session, command)))
}

/// The same for [`output`].
///
/// # Errors
/// As [`run`].
pub(crate) fn output_blocking(session: &Session, command: Command) -> anyhow::Result<Output> {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| runtime.block_on(output(session, command)))
}

async fn all(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

async fn to_the_end<T>(
    session: &Session,
    mut command: Command,
    wait: impl AsyncFnOnce(&mut Child) -> io::Result<T>,
) -> anyhow::Result<T> {
    session.cancel.check()?;
    command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    open_files::restore_in(&mut command);
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("failed to start `{name}`"))?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
    tokio::select! {
        ended = wait(&mut child) => return ended.with_context(|| format!("failed to wait for `{name}`")),
        () = session.cancel.cancelled() => {}
    }
    tokio::select! {
        () = group.end(&mut child) => {}
        // Whoever drops it kills what is left.
        () = session.cancel.insisted() => {}
    }
    Err(Interrupted.into())
}

/// A program and those that it started, as far as they stay in its group. What is left of it is killed when nobody
/// waits for it any more.
struct Group(Option<Pid>);

impl Group {
    /// Asks all to end, and gives them time to undo what they did.
    async fn end(&self, leader: &mut Child) {
        self.signal(Signal::SIGTERM);
        let gone = async {
            let _ = leader.wait().await;
            while self.works() {
                tokio::time::sleep(POLL).await;
            }
        };
        let _ = tokio::time::timeout(GRACE, gone).await;
        self.signal(Signal::SIGKILL);
        let _ = leader.wait().await;
    }

    fn signal(&self, signal: Signal) {
        // Each may be gone already.
        let _ = self.0.map(|group| killpg(group, signal));
    }

    /// Whether anybody of the group lives. One that has ended, and whose parent has not noticed, is of it still, and
    /// in a container without an init nobody ever notices: `/proc/PID/stat` (proc(5)) tells them apart.
    fn works(&self) -> bool {
        let Some(group) = self.0.filter(|group| killpg(*group, None).is_ok()) else { return false };
        let Ok(processes) = std::fs::read_dir("/proc") else { return true };
        let mut stats = processes.flatten().filter_map(|entry| {
            entry.file_name().to_str()?.parse::<u32>().ok()?;
            std::fs::read_to_string(entry.path().join("stat")).ok()
        });
        let group = group.to_string();
        stats.any(|stat| {
            let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
            let ended = matches!(fields.next(), Some("Z" | "X") | None);
            !ended && fields.nth(1) == Some(&group)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.works() {
            self.signal(Signal::SIGKILL);
        }
    }
}

/// A shell in `dir`.
pub(crate) fn shell(dir: &Path) -> anyhow::Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(dir);
    Ok(sh)
}
