//! The sandboxes of one local cloud, and whether there can be any.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::net::UnixStream;
use tokio::sync::{OnceCell, mpsc};

use super::advice;
use super::agent::MARK;
use super::handle::{Sandbox, receive};
use super::ids::Ids;
use super::message::{Answer, Begin, Container, Program, Request, User};
use super::sweep;
use super::task::Task;
use crate::cloud::{Cloud, Part, Setup};
use crate::runtime::process::{Processes, Spec};

/// How long a container that does nothing may take.
const TRIAL: Duration = Duration::from_secs(20);
/// The image of that container, which has no files.
const EMPTY: &str = "empty";

/// Why tasks have no namespaces of their own on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    why: String,
}

impl Unusable {
    /// What to type, where a setting of this machine is in the way.
    pub(crate) fn command(&self) -> Option<&'static str> {
        advice::command()
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.why)?;
        match self.command() {
            Some(command) => write!(f, "; `{command}` allows them"),
            None => Ok(()),
        }
    }
}

pub(crate) struct Sandboxes {
    tasks: PathBuf,
    images: PathBuf,
    usable: OnceCell<Result<Ids, Unusable>>,
}

impl Part for Sandboxes {
    fn open(setup: &Setup) -> Self {
        let (tasks, images) = (setup.data_dir.join("tasks"), setup.data_dir.join("images"));
        Self { tasks, images, usable: OnceCell::new() }
    }
}

impl Sandboxes {
    /// How ids are mapped in the sandboxes of this machine; the error is why there are none. It is tried, once.
    pub(crate) async fn usable(&self, cloud: &Cloud) -> Result<Ids, Unusable> {
        let tried = self.usable.get_or_init(async || {
            let tried = self.attempt(cloud).await.map_err(|error| Unusable { why: error.to_string() });
            if let Err(unusable) = &tried {
                tracing::warn!(%unusable, "tasks have no namespaces of their own");
            }
            tried
        });
        tried.await.clone()
    }

    /// Where images are that are unpacked for sandboxes with these ids.
    pub(crate) fn images(&self, ids: Ids) -> io::Result<PathBuf> {
        let images = self.images.join(ids.name());
        make_open(&images)?;
        Ok(images)
    }

    /// Runs a container that does nothing.
    async fn attempt(&self, cloud: &Cloud) -> io::Result<Ids> {
        if cloud.settings().task_agent.is_empty() {
            return Err(io::Error::other("this program has no agent for them"));
        }
        let ids = Ids::of_this_user();
        let empty = self.images(ids)?.join(EMPTY);
        make_open(&empty)?;
        ids.give(&empty)?;
        let task = Task {
            id: "trial",
            key: "task/trial".to_owned(),
            address: Ipv4Addr::LOCALHOST,
            hostname: "trial".to_owned(),
            volumes: Vec::new(),
        };
        let container = Container {
            image: EMPTY.into(),
            program: Program { says: None, sleeps: 0, runs: Err(0) },
            env: Vec::new(),
            dir: "/".into(),
            user: User::default(),
            read_only: false,
            mounts: Vec::new(),
            limits: Vec::new(),
            capabilities: Vec::new(),
        };
        let trial = async {
            let sandbox = self.open(cloud, ids, &task).await?;
            let (output, mut lines) = mpsc::channel(1);
            let ended = sandbox.start(container, output).await?.wait().await;
            match ended.code {
                Some(0) => Ok(ids),
                _ => Err(io::Error::other(lines.recv().await.map_or_else(String::new, |line| line.text))),
            }
        };
        let tried = tokio::time::timeout(TRIAL, trial).await;
        self.clear(cloud, task.id).await;
        tried.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// A sandbox for a task.
    pub(crate) async fn open(&self, cloud: &Cloud, ids: Ids, task: &Task<'_>) -> io::Result<Arc<Sandbox>> {
        self.open_with(cloud, (ids, &self.images(ids)?), task).await
    }

    /// One that only handles what is in a folder.
    pub(crate) async fn inside(&self, cloud: &Cloud, ids: Ids, folder: &Path) -> io::Result<Arc<Sandbox>> {
        let id = format!("files-{}", crate::id::hex(12));
        let task = Task {
            id: &id,
            key: format!("task/{id}"),
            address: Ipv4Addr::LOCALHOST,
            hostname: id.clone(),
            volumes: Vec::new(),
        };
        let sandbox = self.open_with(cloud, (ids, folder), &task).await?;
        // It needs none.
        fs::remove_dir_all(self.tasks.join(&id))?;
        Ok(sandbox)
    }

    async fn open_with(
        &self,
        cloud: &Cloud,
        (ids, images): (Ids, &Path),
        task: &Task<'_>,
    ) -> io::Result<Arc<Sandbox>> {
        let folder = self.tasks.join(task.id);
        make_open(&folder)?;
        ids.give(&folder)?;
        let begin = Begin {
            images: images.to_owned(),
            task: folder,
            files: files(task),
            hostname: task.hostname.clone(),
            volumes: task.volumes.clone(),
        };
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (output, mut lines) = mpsc::channel(16);
        let spec = Spec {
            key: task.key.clone(),
            program: "/proc/self/exe".into(),
            args: cloud.settings().task_agent.clone(),
            env: vec![(MARK.to_owned(), "1".to_owned())],
            dir: "/".into(),
            user: None,
            on_parent_death: Signal::SIGKILL,
            input: Some(theirs.into()),
            output,
        };
        cloud.part::<Processes>().spawn(spec).await?;
        let id = task.id.to_owned();
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                tracing::debug!(task = id, "its agent says: {}", line.text);
            }
        });
        let (mut reader, writer) = UnixStream::from_std(ours)?.into_split();
        let agent = match receive(&mut reader).await? {
            Some((Answer::Cloned(agent), _)) => agent,
            Some((Answer::Failed(why), _)) => return Err(io::Error::other(why)),
            _ => return Err(io::Error::other("its agent ended before it began")),
        };
        ids.map(agent)
            .map_err(|error| io::Error::new(error.kind(), format!("ids cannot be mapped: {error}")))?;
        let sandbox = Arc::new(Sandbox::new((reader, writer), cloud.clock()));
        sandbox.ask(Request::Begin(begin), &[]).await?;
        Ok(sandbox)
    }

    /// Removes what a task has written, once it has ended.
    pub(crate) async fn clear(&self, cloud: &Cloud, id: &str) {
        self.remove(cloud, &self.tasks, id).await;
    }

    /// Removes what the tasks of an earlier local cloud have written.
    pub(crate) async fn clear_all(&self, cloud: &Cloud) {
        for left in fs::read_dir(&self.tasks).into_iter().flatten().flatten() {
            self.clear(cloud, &left.file_name().to_string_lossy()).await;
        }
    }

    /// Removes what containers or layers have made in a folder.
    pub(crate) async fn remove(&self, cloud: &Cloud, folder: &Path, name: &str) {
        let (folder, own, agent) = (folder.to_owned(), name.to_owned(), cloud.settings().task_agent.clone());
        let removed = tokio::task::spawn_blocking(move || sweep::remove(&folder, &own, &agent)).await;
        let removed = removed.map_err(io::Error::other).flatten();
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, name, "what a task has written was not removed");
            }
            _ => {}
        }
    }
}

/// Makes a folder that the root of containers may enter; the data directory around it is closed to all others.
fn make_open(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// What the task finds in `/etc`. No name server answers there: what a task may reach it knows by its address.
fn files(task: &Task<'_>) -> Vec<(String, String)> {
    let (address, name) = (task.address, &task.hostname);
    let hosts = format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{address} {name}\n");
    let files = [
        ("hostname", format!("{name}\n")),
        ("hosts", hosts),
        ("resolv.conf", "nameserver 127.0.0.1\n".to_owned()),
    ];
    files.map(|(name, content)| (name.to_owned(), content)).into()
}
