//! The agent of a task: a process of this same program, in the namespaces of the task, that does there what the local
//! cloud asks.
//!
//! ```text
//! the local cloud ── a child of its spawning thread, which waits
//!                      └─ the agent, first process of the task's pid namespace
//!                           └─ each container, first process of a pid namespace of its own
//! ```
//!
//! It is one process with one thread, so it may enter namespaces and make processes by `clone`, which threads of the
//! local cloud may not. All ends with it: the kernel kills what is in a pid namespace when its first process ends,
//! whatever a program did to the signal that it would get at its parent's death.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use super::message::{Answer, Begin, Request};
use super::process::{become_root, clone, end_with_parent, failed_to, path_of};
use super::root::{IMAGES, TASK, VOLUMES};
use super::{container, network, wire};
use crate::runtime::unpack::{Owners, unpack};

/// Says to this program that it is to be an agent; what its control socket is, its standard input.
pub(super) const MARK: &str = "SEATRIAL_TASK_AGENT";
/// Where the agent has its folders, whatever may enter the ones above them: on a file system of its own, over the first
/// of these that is there.
const STAGES: [&str; 4] = ["/tmp", "/run", "/mnt", "/var"];

/// Serves as the agent of a task if this process was started as one; false if it was not. Nothing else may have been
/// done before: it needs a process with one thread.
pub fn serve_as_task_agent() -> bool {
    if std::env::var_os(MARK).is_none() {
        return false;
    }
    if let Err(error) = fork() {
        tracing::error!(%error, "the agent of a task ends");
    }
    true
}

fn fork() -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    let namespaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    let agent = clone(namespaces, || {
        let served = end_with_parent().and_then(|()| Agent::serve(&socket));
        isize::from(served.is_err())
    });
    let agent = match agent {
        Ok(agent) => agent,
        Err(error) => {
            let why = format!("namespaces cannot be made: {error}");
            return wire::send(&socket, &Answer::Failed(why), &[]);
        }
    };
    wire::send(&socket, &Answer::Cloned(agent.as_raw().unsigned_abs()), &[])?;
    drop(socket);
    waitpid(agent, None)?;
    Ok(())
}

struct Agent<'a> {
    socket: &'a UnixStream,
    /// Its folders.
    stage: PathBuf,
    /// The containers that run, by number, with what tells their end.
    running: BTreeMap<usize, (Pid, OwnedFd)>,
}

impl Agent<'_> {
    /// Until the local cloud closes its end, or is gone.
    fn serve(socket: &UnixStream) -> io::Result<()> {
        let Some((Request::Begin(begin), _)) = wire::receive(socket)? else { return Ok(()) };
        let begun = begin_in(&begin);
        let stage = match begun {
            Ok(stage) => stage,
            Err(error) => return wire::send(socket, &Answer::Failed(error.to_string()), &[]),
        };
        wire::send(socket, &Answer::Done, &[])?;
        let mut agent = Agent { socket, stage, running: BTreeMap::new() };
        loop {
            let (asked, ended) = agent.next_events()?;
            for container in ended {
                agent.tell_end(container)?;
            }
            if asked {
                let Some((request, files)) = wire::receive(socket)? else { return Ok(()) };
                let (answer, files) = match agent.handle(request, files) {
                    Ok(files) => (Answer::Done, files),
                    Err(error) => (Answer::Failed(error.to_string()), Vec::new()),
                };
                wire::send(socket, &answer, &files)?;
            }
        }
    }

    /// Whether a request has come, and which containers have ended.
    fn next_events(&self) -> io::Result<(bool, Vec<usize>)> {
        let mut sources = vec![PollFd::new(self.socket, PollFlags::IN)];
        sources.extend(self.running.values().map(|(_, end)| PollFd::new(end, PollFlags::IN)));
        loop {
            match poll(&mut sources, None) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        let mut happened = sources.iter().map(|source| !source.revents().is_empty());
        let asked = happened.next().unwrap_or_default();
        let ended = self.running.keys().zip(happened).filter(|(_, ended)| *ended);
        Ok((asked, ended.map(|(container, _)| *container).collect()))
    }

    fn tell_end(&mut self, container: usize) -> io::Result<()> {
        let Some((pid, _)) = self.running.remove(&container) else { return Ok(()) };
        let (code, signal) = match waitpid(pid, None) {
            Ok(WaitStatus::Exited(_, code)) => (Some(code), None),
            Ok(WaitStatus::Signaled(_, signal, _)) => (None, Some(signal as i32)),
            _ => (None, None),
        };
        wire::send(self.socket, &Answer::Exited { container, code, signal }, &[])
    }

    fn handle(&mut self, request: Request, files: Vec<OwnedFd>) -> io::Result<Vec<OwnedFd>> {
        match request {
            Request::Begin(_) => Err(io::Error::other("it has begun already")),
            Request::Sockets(count) => network::sockets(count.min(wire::MOST_FILES)),
            Request::Listen(address) => network::listen(address),
            Request::Silence(address) => network::silence(address),
            Request::Limit(let_out) => network::limit(&let_out).map(|()| Vec::new()),
            Request::Start(number, container) => {
                let output =
                    files.into_iter().next().ok_or_else(|| io::Error::other("no output is given"))?;
                let pid = container::start(&self.stage, (number, &container), output)?;
                let raw = rustix::process::Pid::from_raw(pid.as_raw()).ok_or(nix::errno::Errno::ESRCH)?;
                let end = pidfd_open(raw, PidfdFlags::empty())?;
                self.running.insert(number, (pid, end));
                Ok(Vec::new())
            }
            Request::Signal { container, signal } => {
                // One that has ended needs none.
                if let Some((pid, _)) = self.running.get(&container) {
                    nix::sys::signal::kill(*pid, nix::sys::signal::Signal::try_from(signal)?)?;
                }
                Ok(Vec::new())
            }
            Request::Unpack(root) => {
                let layer = files.into_iter().next().ok_or_else(|| io::Error::other("no layer is given"))?;
                unpack(File::from(layer), &self.stage.join(IMAGES).join(root), Owners::Kept)?;
                Ok(Vec::new())
            }
            Request::Remove(folder) => {
                fs::remove_dir_all(self.stage.join(IMAGES).join(folder))?;
                Ok(Vec::new())
            }
        }
    }
}

/// Becomes the root of the user namespace, with the folders that it needs and a network of its own.
fn begin_in(begin: &Begin) -> io::Result<PathBuf> {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(failed_to("keep mounts to itself"))?;
    let stage = STAGES.iter().map(Path::new).find(|stage| stage.is_dir());
    let stage = stage.ok_or_else(|| io::Error::other("there is no folder for a stage"))?;
    // Opened as whoever runs the local cloud, and before the stage hides them.
    let opened = [(IMAGES, File::open(&begin.images)?), (TASK, File::open(&begin.task)?)];
    become_root()?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("stage"), stage, Some("tmpfs"), flags, Some("mode=755,size=1m"))
        .map_err(failed_to("make a stage"))?;
    for (name, folder) in opened {
        let place = stage.join(name);
        fs::create_dir(&place)?;
        mount(Some(&path_of(&folder)), &place, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .map_err(failed_to("enter its folders"))?;
    }
    network::open_loopback()?;
    nix::unistd::sethostname(&begin.hostname).map_err(failed_to("name its host"))?;
    let task = stage.join(TASK);
    for (name, content) in &begin.files {
        fs::write(task.join(name), content)?;
    }
    for volume in &begin.volumes {
        fs::create_dir_all(task.join(VOLUMES).join(volume))?;
    }
    Ok(stage.to_owned())
}
