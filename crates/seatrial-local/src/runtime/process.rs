//! Real processes: spawned by one permanent thread, in a group of their own, with nothing inherited.
//!
//! On Linux a process gets a signal when its parent *thread* ends, so all are spawned by a thread that lives
//! as long as the local cloud does: `kill -9` of the local cloud takes its processes along. Elsewhere they
//! outlive it; the recorded pid and start time tell them from strangers at the next start.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError, mpsc as threads};
use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::cloud::{Part, Setup};
use crate::persist::{PersistError, Table};
use crate::runtime::limits;
use crate::runtime::lines::{Line, read_lines};

/// A file that was just unpacked may be open for writing in a child that is between fork and exec.
const BUSY_TRIES: u32 = 50;

/// What to run.
pub(crate) struct Spec {
    /// Names the process in the records; one at a time may run under it.
    pub key: String,
    /// An absolute path.
    pub program: PathBuf,
    pub args: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    pub dir: PathBuf,
    /// Another user and group, which only root can ask for.
    pub user: Option<(u32, u32)>,
    /// Sent on Linux when the local cloud is killed.
    pub on_parent_death: Signal,
    /// What it reads; `None`: nothing.
    pub input: Option<OwnedFd>,
    /// Gets each line of stdout and stderr, in the order in which they were written.
    pub output: mpsc::Sender<Line>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

impl Exit {
    /// The exit code as containers report it: 128 + signal for a process that was killed.
    pub(crate) fn status(self) -> i32 {
        self.code.or(self.signal.map(|signal| signal + 128)).unwrap_or(-1)
    }
}

/// A process that was started; dropping it does not end it.
#[derive(Clone)]
pub(crate) struct Process {
    reach: Reach,
    exit: watch::Receiver<Option<Exit>>,
}

/// How signals come to a process.
#[derive(Clone)]
enum Reach {
    /// It leads a group of its own.
    Group(Pid),
    /// It is the first one of a container, and all others end with it.
    Contained(Arc<dyn Fn(Signal) + Send + Sync>),
}

impl Process {
    /// The first process of a container, which `signal` reaches.
    pub(crate) fn contained(
        exit: watch::Receiver<Option<Exit>>,
        signal: impl Fn(Signal) + Send + Sync + 'static,
    ) -> Self {
        Self { reach: Reach::Contained(Arc::new(signal)), exit }
    }

    /// How it ended; `None` while it runs.
    pub(crate) fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for its end, by which time all its output was handed on.
    pub(crate) async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|exit| *exit).unwrap_or(Exit { code: None, signal: None })
    }

    /// Sends `signal` to the process, and SIGKILL to it and its own when `patience` (real time) has run out.
    pub(crate) async fn stop(&self, signal: Signal, patience: Duration) -> Exit {
        if let Some(exit) = self.exit() {
            return exit;
        }
        // ESRCH: it has just ended.
        match &self.reach {
            Reach::Group(pid) => drop(kill(*pid, signal)),
            Reach::Contained(send) => send(signal),
        }
        if let Ok(exit) = tokio::time::timeout(patience, self.wait()).await {
            return exit;
        }
        match &self.reach {
            Reach::Group(pid) => drop(killpg(*pid, Signal::SIGKILL)),
            Reach::Contained(send) => send(Signal::SIGKILL),
        }
        self.wait().await
    }
}

/// Enough to tell a process of ours from one that got its pid later.
#[derive(Clone, Serialize, Deserialize)]
struct Record {
    pid: i32,
    started: String,
}

type Spawned = io::Result<Child>;
type Request = (Command, tokio::runtime::Handle, oneshot::Sender<Spawned>);

/// The processes of one local cloud.
pub(crate) struct Processes {
    records: Table<Record>,
    clock: Clock,
    spawner: threads::Sender<Request>,
    live: Mutex<HashMap<String, Process>>,
}

impl Part for Processes {
    fn open(setup: &Setup) -> Self {
        let (spawner, requests) = threads::channel();
        let thread = std::thread::Builder::new().name("spawner".to_owned());
        if let Err(error) = thread.spawn(move || spawn_all(requests)) {
            tracing::error!(%error, "no thread to start processes from");
        }
        let live = Mutex::default();
        Self { records: setup.database.table("processes"), clock: setup.clock, spawner, live }
    }
}

impl Processes {
    /// Starts a process. Errors are those of the operating system: no such file, not executable.
    pub(crate) async fn spawn(self: &Arc<Self>, spec: Spec) -> io::Result<Process> {
        let (reader, writer) = io::pipe()?;
        let mut command = command(&spec);
        command.stdin(spec.input.map_or_else(Stdio::null, Stdio::from));
        command.stdout(Stdio::from(writer.try_clone()?)).stderr(Stdio::from(writer));
        let (reply, spawned) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts processes has ended");
        let request = (command, tokio::runtime::Handle::current(), reply);
        self.spawner.send(request).map_err(|_| gone())?;
        let child = spawned.await.map_err(|_| gone())??;
        let number = child.id().and_then(|pid| i32::try_from(pid).ok());
        let number = number.ok_or_else(|| io::Error::other("the process has no pid"))?;
        let record = Record { pid: number, started: start_of(number).unwrap_or_default() };
        self.records.put(&spec.key, &record).map_err(io::Error::other)?;
        let (ended, exit) = watch::channel(None);
        let pid = Pid::from_raw(number);
        let output = pipe::Receiver::from_owned_fd(reader.into())?;
        let lines = tokio::spawn(read_lines(output, self.clock, spec.output));
        let process = Process { reach: Reach::Group(pid), exit };
        self.live().insert(spec.key.clone(), process.clone());
        tokio::spawn(Arc::clone(self).watch(spec.key, child, lines, ended));
        Ok(process)
    }

    /// Stops all processes whose key starts with `prefix`, at the same time.
    pub(crate) async fn stop_all(&self, prefix: &str, signal: Signal, patience: Duration) {
        let live: Vec<_> = self.live().iter().map(|(key, process)| (key.clone(), process.clone())).collect();
        let stops = live.iter().filter(|(key, _)| key.starts_with(prefix));
        join_all(stops.map(|(_, process)| process.stop(signal, patience))).await;
    }

    /// [`Processes::end_leftover`] of all keys that start with `prefix`.
    pub(crate) async fn end_leftovers(
        &self,
        prefix: &str,
        signal: Signal,
        patience: Duration,
    ) -> Result<(), PersistError> {
        let records = self.records.with_prefix(prefix);
        let ends = records.iter().map(|(key, _)| self.end_leftover(key, signal, patience));
        join_all(ends).await.into_iter().collect()
    }

    /// Ends the process recorded under `key` if an earlier local cloud left it running. Nothing else is
    /// touched: the start time must be the recorded one.
    pub(crate) async fn end_leftover(
        &self,
        key: &str,
        signal: Signal,
        patience: Duration,
    ) -> Result<(), PersistError> {
        let Some(record) = self.records.get(key) else { return Ok(()) };
        let alive = || start_of(record.pid).is_some_and(|started| started == record.started);
        let deadline = tokio::time::Instant::now() + patience;
        if alive() {
            let _ = kill(Pid::from_raw(record.pid), signal);
        }
        while alive() {
            if tokio::time::Instant::now() >= deadline {
                let _ = killpg(Pid::from_raw(record.pid), Signal::SIGKILL);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.records.remove(key).map(drop)
    }

    async fn watch(
        self: Arc<Self>,
        key: String,
        mut child: Child,
        lines: tokio::task::JoinHandle<()>,
        ended: watch::Sender<Option<Exit>>,
    ) {
        let group = child.id().and_then(|pid| i32::try_from(pid).ok());
        let status = child.wait().await;
        // What it left behind holds its output open.
        if let Some(group) = group {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = tokio::time::timeout(Duration::from_secs(2), lines).await;
        if let Err(error) = self.records.remove(&key) {
            tracing::error!(%error, key, "failed to forget a process that has ended");
        }
        let exit = match status {
            Ok(status) => {
                Exit { code: status.code(), signal: std::os::unix::process::ExitStatusExt::signal(&status) }
            }
            Err(_) => Exit { code: None, signal: None },
        };
        self.live().remove(&key);
        ended.send_replace(Some(exit));
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<String, Process>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn command(spec: &Spec) -> Command {
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(spec.env.iter().map(|(name, value)| (name, value)));
    command.current_dir(&spec.dir).process_group(0).kill_on_drop(true);
    if let Some((user, group)) = spec.user {
        command.uid(user).gid(group);
    }
    signal_with_parent(&mut command, spec.on_parent_death);
    limits::restore_in(&mut command);
    command
}

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "this signal can only be asked for between fork and exec; prctl is safe there"
)]
fn signal_with_parent(command: &mut Command, signal: Signal) {
    let ask = move || nix::sys::prctl::set_pdeathsig(Some(signal)).map_err(io::Error::from);
    // SAFETY: the closure makes one system call and neither allocates nor takes locks.
    unsafe {
        command.pre_exec(ask);
    }
}

#[cfg(not(target_os = "linux"))]
fn signal_with_parent(_command: &mut Command, _signal: Signal) {}

/// The permanent thread: starts processes one after another until the local cloud is dropped.
fn spawn_all(requests: threads::Receiver<Request>) {
    for (mut command, runtime, reply) in requests {
        let _inside = runtime.enter();
        let mut spawned = command.spawn();
        for _ in 0..BUSY_TRIES {
            match &spawned {
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(Duration::from_millis(10));
                    spawned = command.spawn();
                }
                _ => break,
            }
        }
        let _ = reply.send(spawned);
    }
}

/// When a live process started, in a form that is unique over reboots; `None` if there is none (a zombie
/// counts as none).
#[cfg(target_os = "linux")]
fn start_of(pid: i32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; state is the first field behind it, start time the 20th.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    (!matches!(state, "Z" | "X")).then(|| format!("{}-{started}", boot.trim()))
}

/// When a live process started, to the second; `None` if there is none.
#[cfg(not(target_os = "linux"))]
fn start_of(pid: i32) -> Option<String> {
    let asked =
        std::process::Command::new("/bin/ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output();
    let started = String::from_utf8(asked.ok()?.stdout).ok()?.trim().to_owned();
    (!started.is_empty()).then_some(started)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::Database;
    use crate::tests;

    fn processes(dir: &std::path::Path) -> Arc<Processes> {
        let database = Database::open(&dir.join("log")).unwrap();
        let setup = Setup {
            database,
            data_dir: dir.to_owned(),
            clock: Clock::new(1.0),
            latencies: Default::default(),
        };
        Arc::new(Processes::open(&setup))
    }

    fn shell(script: &str) -> (Spec, mpsc::Receiver<Line>) {
        let (output, lines) = mpsc::channel(100);
        let spec = Spec {
            key: "test".to_owned(),
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), script.to_owned()],
            env: vec![("GREETING".to_owned(), "hello".to_owned())],
            dir: "/".into(),
            user: None,
            on_parent_death: Signal::SIGKILL,
            input: None,
            output,
        };
        (spec, lines)
    }

    #[tokio::test]
    async fn output_comes_in_order_and_the_environment_is_only_what_was_given() {
        let dir = tempfile::tempdir().unwrap();
        let script = "echo $GREETING; echo two >&2; echo home=$HOME; printf end; exit 3";
        let (spec, mut lines) = shell(script);

        let process = processes(dir.path()).spawn(spec).await.unwrap();
        let exit = process.wait().await;

        let mut texts = Vec::new();
        while let Ok(line) = lines.try_recv() {
            texts.push(line.text);
        }
        assert_eq!(texts, ["hello", "two", "home=", "end"]);
        assert_eq!(exit.status(), 3);
    }

    #[tokio::test]
    async fn a_process_has_as_few_open_files_as_the_starter_of_the_cloud_had() {
        const NAME: &str = "a_process_has_as_few_open_files_as_the_starter_of_the_cloud_had";
        if !tests::has_few_files(&format!("runtime::process::tests::{NAME}")) {
            return;
        }
        limits::raise();
        let dir = tempfile::tempdir().unwrap();
        let (spec, mut lines) = shell("ulimit -Sn");
        processes(dir.path()).spawn(spec).await.unwrap().wait().await;
        assert_eq!(lines.recv().await.unwrap().text, tests::FEW_FILES.to_string());
    }

    #[tokio::test]
    async fn a_process_that_ignores_the_first_signal_is_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let (spec, mut lines) = shell("trap '' TERM; sleep 1000 & echo $!; while :; do wait; done");

        let process = processes(dir.path()).spawn(spec).await.unwrap();
        let child: i32 = lines.recv().await.unwrap().text.parse().unwrap();
        let exit = process.stop(Signal::SIGTERM, Duration::from_millis(100)).await;

        assert_eq!(exit.status(), 137);
        // It was killed with its parent; that it is gone is up to who inherits it.
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while start_of(child).is_some() {
            assert!(std::time::Instant::now() < deadline, "the child {child} is still there");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_leftover_is_ended_and_a_stranger_with_its_pid_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let processes = processes(dir.path());
        let (spec, _lines) = shell("exec sleep 1000");
        let process = processes.spawn(spec).await.unwrap();
        let pid = processes.records.get("test").unwrap().pid;

        let stranger = Record { pid, started: "another".to_owned() };
        processes.records.put("stranger", &stranger).unwrap();
        processes.end_leftover("stranger", Signal::SIGKILL, Duration::ZERO).await.unwrap();
        assert_eq!(process.exit(), None);

        processes.end_leftover("test", Signal::SIGTERM, Duration::from_secs(5)).await.unwrap();
        assert_eq!(process.wait().await.signal, Some(15));
    }
}
