//! Sandboxes where there can be none: only Linux has namespaces.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::message::{Container, Range};
use super::task::Task;
use crate::cloud::{Cloud, Part, Setup};
use crate::runtime::lines::Line;
use crate::runtime::process::Process;

/// False: no program is the agent of a task here.
pub fn serve_as_task_agent() -> bool {
    false
}

/// Nothing: what there is belongs to the user of the local cloud.
pub fn sweep_tasks(_data_dir: &Path, _task_agent: &[String]) {}

pub(crate) struct Sandbox(Infallible);

pub(crate) struct Silence(#[expect(dead_code, reason = "there is none")] Infallible);

pub(crate) struct Relay(#[expect(dead_code, reason = "there is none")] Infallible);

pub(crate) async fn relay(sandbox: &Sandbox, _: SocketAddrV4) -> io::Result<Relay> {
    match sandbox.0 {}
}

impl Sandbox {
    pub(crate) async fn start(self: &Arc<Self>, _: Container, _: mpsc::Sender<Line>) -> io::Result<Process> {
        match self.0 {}
    }

    pub(crate) async fn connect(&self, _: SocketAddr) -> io::Result<TcpStream> {
        match self.0 {}
    }

    pub(crate) async fn listen(&self, _: SocketAddrV4) -> io::Result<TcpListener> {
        match self.0 {}
    }

    pub(crate) async fn silence(&self, _: SocketAddrV4) -> io::Result<Silence> {
        match self.0 {}
    }

    pub(crate) async fn limit(&self, _: Vec<Range>) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) async fn unpack(&self, _: std::fs::File, _: PathBuf) -> io::Result<()> {
        match self.0 {}
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids(Infallible);

impl Ids {
    pub(crate) fn keep_owners(self) -> bool {
        match self.0 {}
    }

    pub(crate) fn give(self, _: &Path) -> io::Result<()> {
        match self.0 {}
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable;

impl Unusable {
    pub(crate) fn command(&self) -> Option<&'static str> {
        None
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only Linux has them")
    }
}

pub(crate) struct Sandboxes;

impl Part for Sandboxes {
    fn open(_setup: &Setup) -> Self {
        Self
    }
}

impl Sandboxes {
    pub(crate) async fn usable(&self, _: &Cloud) -> Result<Ids, Unusable> {
        Err(Unusable)
    }

    pub(crate) fn images(&self, ids: Ids) -> io::Result<PathBuf> {
        match ids.0 {}
    }

    pub(crate) async fn open(&self, _: &Cloud, ids: Ids, _: &Task<'_>) -> io::Result<Arc<Sandbox>> {
        match ids.0 {}
    }

    pub(crate) async fn inside(&self, _: &Cloud, ids: Ids, _: &Path) -> io::Result<Arc<Sandbox>> {
        match ids.0 {}
    }

    pub(crate) async fn clear(&self, _: &Cloud, _: &str) {}

    pub(crate) async fn clear_all(&self, _: &Cloud) {}

    /// Removes an image.
    pub(crate) async fn remove(&self, _: &Cloud, folder: &Path, name: &str) {
        let path = folder.join(name);
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(path)).await;
        if let Err(error) = removed.map_err(io::Error::other).flatten() {
            tracing::warn!(%error, name, "an old image was not removed");
        }
    }
}
