//! Finding, starting and ending the daemon.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::connection::Connection;
use super::data_dir::{REHEARSAL_DATA_DIR, claim, is_claimed, refuse_foreign, remove_data, remove_throwaway};
use super::entries::{PROGRAM, connection_file, log_file};
use super::options::ServeOptions;
use super::post::in_flight;
use crate::exit::Refused;
use crate::session::Session;

/// A cloud with a database and running tasks takes a second or two to come back.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// Tasks drain and get their stop time-out before the daemon ends.
const STOP_PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

/// The daemon that runs on `data_dir`, if one does.
pub(crate) fn find(data_dir: &Path) -> Option<Connection> {
    if !is_locked(data_dir) {
        return None;
    }
    let text = std::fs::read(connection_file(data_dir)).ok()?;
    let connection: Connection = serde_json::from_slice(&text).ok()?;
    is_alive(connection.pid).then_some(connection)
}

/// The running daemon: found or started. One of another source of the local cloud is started anew, once nothing is in
/// flight in it: until then it serves as it is. One that does not answer is told of, not waited for.
pub(crate) async fn ensure_running(session: &Session, options: &ServeOptions) -> anyhow::Result<Connection> {
    claim(&options.data_dir)?;
    if let Some(found) = settled(session, &options.data_dir).await? {
        let in_flight = session.cancel.unless_cancelled(in_flight(&found)).await??;
        if found.build == seatrial_local::SOURCE {
            return Ok(found);
        }
        // One that does not say has something to do.
        let busy = match in_flight {
            Some(busy) if busy.is_empty() => None,
            Some(busy) => Some(format!("until {} ended", busy.join(", "))),
            None => Some("on, for it does not say whether it is busy".to_owned()),
        };
        if let Some(busy) = busy {
            session.printer.event("local cloud", format_args!("another build serves {busy}"));
            return Ok(found);
        }
        session.cancel.unless_cancelled(stop(session, &options.data_dir)).await??;
    }
    start(session, options).await
}

/// The daemon, once one that starts is up; `None` once one that ends is gone.
async fn settled(session: &Session, data_dir: &Path) -> anyhow::Result<Option<Connection>> {
    let mut passing = Passing::new(session, data_dir);
    loop {
        let found = find(data_dir);
        if found.is_some() || !is_locked(data_dir) {
            return Ok(found);
        }
        session.cancel.unless_cancelled(passing.wait()).await??;
    }
}

/// Waits for a local cloud that starts or ends: it holds the lock, and does not say where it listens. Either takes as
/// long as an end does at the most.
struct Passing<'a> {
    session: &'a Session,
    data_dir: &'a Path,
    deadline: Instant,
    told: bool,
}

impl<'a> Passing<'a> {
    fn new(session: &'a Session, data_dir: &'a Path) -> Self {
        Self { session, data_dir, deadline: Instant::now() + STOP_PATIENCE, told: false }
    }

    async fn wait(&mut self) -> anyhow::Result<()> {
        if Instant::now() > self.deadline {
            let dir = self.data_dir.display();
            bail!("the local cloud on `{dir}` has been starting or ending for {STOP_PATIENCE:?}");
        }
        if !std::mem::replace(&mut self.told, true) {
            self.session.printer.event("local cloud", "waiting for one that starts or ends");
        }
        self.session.clock.sleep(POLL).await;
        Ok(())
    }
}

async fn start(session: &Session, options: &ServeOptions) -> anyhow::Result<Connection> {
    session.cancel.check()?;
    let dir = &options.data_dir;
    let log = open_log(dir)?;
    let log_start = log.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    let mut child = spawn(options, log)?;
    let deadline = Instant::now() + START_PATIENCE;
    while Instant::now() < deadline {
        if session.cancel.unless_cancelled(session.clock.sleep(POLL)).await.is_err() {
            end_child(&mut child).await?;
            session.cancel.check()?;
        }
        if let Some(connection) = find(dir).filter(|found| found.build == seatrial_local::SOURCE) {
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
    }
    end_child(&mut child).await?;
    bail!("the local cloud did not start within {START_PATIENCE:?}; its log is `{}`", log_file(dir).display())
}

fn spawn(options: &ServeOptions, log: File) -> anyhow::Result<Child> {
    let this = std::env::current_exe()?;
    let own = own_program(&this, &options.data_dir);
    let start = |program: &Path, log: File| -> anyhow::Result<Child> {
        let mut command = Command::new(program);
        command.args(options.arguments());
        // A daemon must not keep the starter's terminal, pipes or directory.
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir("/");
        command.spawn().context("failed to start the local cloud")
    };
    match own {
        Some(program) => start(&program, log.try_clone()?).or_else(|_| start(&this, log)),
        None => start(&this, log),
    }
}

/// This program under a name in the data directory; `None` where there can be none.
fn own_program(this: &Path, data_dir: &Path) -> Option<PathBuf> {
    let own = data_dir.join(PROGRAM);
    // A running daemon keeps its file; only the name is free again.
    let _ = std::fs::remove_file(&own);
    let made = std::fs::hard_link(this, &own).or_else(|_| std::fs::copy(this, &own).map(drop));
    if made.is_err() {
        // A full disk takes half of it.
        let _ = std::fs::remove_file(&own);
    }
    made.ok().map(|()| own)
}

/// Ends a daemon that was just started, with all it started itself.
async fn end_child(child: &mut Child) -> anyhow::Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let deadline = Instant::now() + STOP_PATIENCE;
    let mut signal = Signal::SIGTERM;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            signal = Signal::SIGKILL;
        }
        // Told again: until it listens, the signal ends it at once; later it goes on ending.
        kill(pid, signal)?;
        tokio::time::sleep(POLL).await;
    }
    Ok(())
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
        None => {
            let said =
                format!("the local cloud ended at once ({status}); its log is `{}`", log_file(dir).display());
            match tail.is_empty().then(|| refuses_writing(dir)).flatten() {
                // Then it could not say why.
                Some(error) => anyhow::Error::new(error).context(said),
                None => anyhow::anyhow!(said),
            }
        }
    }
}

/// Why nothing can be written into a directory, as on a full disk.
fn refuses_writing(dir: &Path) -> Option<std::io::Error> {
    let written = tempfile::tempfile_in(dir).and_then(|mut file| file.write_all(&[0; 64 * 1024]));
    written.err()
}

/// Ends the daemon and waits until it is gone; answers whether one was there. One that is starting is ended when it is
/// up, for before that it knows no signals.
pub(crate) async fn stop(session: &Session, data_dir: &Path) -> anyhow::Result<bool> {
    let mut ended = false;
    let mut told = None;
    let mut passing = Passing::new(session, data_dir);
    while is_locked(data_dir) {
        ended = true;
        if let Some(connection) = find(data_dir)
            && told != Some(connection.pid)
        {
            let pid = Pid::from_raw(i32::try_from(connection.pid)?);
            match kill(pid, Signal::SIGTERM) {
                // Gone by itself.
                Ok(()) | Err(Errno::ESRCH) => told = Some(connection.pid),
                Err(error) => return Err(error).context("failed to end the local cloud"),
            }
            passing = Passing { told: true, ..Passing::new(session, data_dir) };
        }
        let waited = passing.wait().await;
        waited.with_context(|| match told {
            Some(pid) => format!("failed to end the local cloud (pid {pid})"),
            None => "failed to end the local cloud".to_owned(),
        })?;
    }
    Ok(ended)
}

/// What a reset did.
pub(crate) struct Gone {
    /// Whether there was anything.
    pub was_there: bool,
    pub was_running: bool,
    /// What was left in the directory, as somebody else's.
    pub left: Vec<PathBuf>,
}

/// Ends the daemon and removes all it kept.
pub(crate) async fn reset(session: &Session, data_dir: &Path) -> anyhow::Result<Gone> {
    refuse_foreign(data_dir)?;
    let was_running = session.cancel.unless_cancelled(stop(session, data_dir)).await??;
    let was_there = is_claimed(data_dir)?;
    if was_there {
        // Before: something is gone also where not all of it goes.
        session.changes.note();
    }
    Ok(Gone { was_there, was_running, left: remove_data(data_dir)? })
}

/// Removes a rehearsal's directory, unless its local cloud lives: that removes it when it has ended.
pub(crate) fn remove_rehearsal(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let data_dir = directory.join(REHEARSAL_DATA_DIR);
    if is_locked(&data_dir) {
        return Ok(Vec::new());
    }
    remove_data(&data_dir)?;
    remove_throwaway(directory)
}

fn is_alive(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok())
}

/// What to say once the local cloud on `data_dir` has ended.
pub(crate) fn ended(data_dir: PathBuf) -> Box<dyn Fn() -> Option<String> + Send + Sync> {
    let said = format!("the local cloud has ended; its log is `{}`", log_file(&data_dir).display());
    Box::new(move || (!is_locked(&data_dir)).then(|| said.clone()))
}

/// Whether a local cloud holds the lock on its data directory. Asked by a lock that many may have at once, for whoever
/// asks at the same moment is no local cloud.
fn is_locked(data_dir: &Path) -> bool {
    let Ok(file) = OpenOptions::new().write(true).open(data_dir.join("lock")) else { return false };
    Flock::lock(file, FlockArg::LockSharedNonblock).is_err()
}

/// Ends the local clouds that have their data below `directory`, and waits for as long as they take to end.
pub(crate) async fn end_those_below(directory: &Path) -> anyhow::Result<()> {
    let deadline = Instant::now() + STOP_PATIENCE;
    while Instant::now() < deadline {
        let directory = directory.to_owned();
        let found = tokio::task::spawn_blocking(move || locked_below(&directory, 0)).await?;
        if found.is_empty() {
            return Ok(());
        }
        for connection in found.iter().filter_map(|directory| find(directory)) {
            // It may have ended meanwhile; one that is told again goes on ending.
            let _ = kill(Pid::from_raw(i32::try_from(connection.pid)?), Signal::SIGTERM);
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("a local cloud below `{}` is still running {STOP_PATIENCE:?} after SIGTERM", directory.display())
}

/// How deep a test may hide its data directory.
const DEPTH: usize = 4;

fn locked_below(directory: &Path, depth: usize) -> Vec<PathBuf> {
    if is_locked(directory) {
        return vec![directory.to_owned()];
    }
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    match depth < DEPTH {
        true => folders.flat_map(|folder| locked_below(&folder.path(), depth + 1)).collect(),
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that can be neither linked nor copied as a whole: another file system's, and unreadable.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_was_copied_by_half_is_not_left_behind() {
        let dir = tempfile::tempdir().unwrap();

        assert_eq!(own_program(Path::new("/proc/self/mem"), dir.path()), None);

        assert!(!dir.path().join(PROGRAM).exists());
    }
}
