//! The processes of tasks that run, in memory: what a restart of the local cloud ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;

use super::ways::Ways;
use crate::cloud::{Part, Setup};
use crate::runtime::process::{Exit, Process};
use crate::runtime::sandbox::Sandbox;
use crate::services::sts::RoleSession;

/// How tasks are named among the processes.
pub(super) const PROCESSES: &str = "task/";
/// How long the last lines of a container that has exited may take to reach its log stream.
const LAST_LINES: Duration = Duration::from_secs(3);

/// A container that was started.
pub(super) struct RunningContainer {
    /// Its place in the definition.
    pub index: usize,
    pub process: Process,
    pub is_essential: bool,
    /// What asks it to end.
    pub stop_signal: Signal,
    pub stop_timeout: Duration,
    /// Ends when all lines are in the log stream.
    pub logs: AsyncMutex<Option<JoinHandle<()>>>,
}

/// A task whose containers were started, in the order of its definition.
pub(super) struct RunningTask {
    pub containers: Vec<RunningContainer>,
    /// Its namespaces; `None` where its containers are plain processes.
    pub sandbox: Option<(Arc<Sandbox>, Ways)>,
    /// Of its own role, if it has one; ends when this is dropped.
    #[expect(dead_code, reason = "held, not read")]
    pub role: Option<RoleSession>,
}

impl RunningTask {
    pub(super) fn essential_exited(&self) -> bool {
        self.containers.iter().any(|container| container.is_essential && container.process.exit().is_some())
    }

    /// Stops all containers, at once as Fargate does, and waits for their last lines. None has longer than `most` (real
    /// time), whatever its definition says.
    pub(super) async fn stop(&self, most: Duration) -> Vec<Exit> {
        join_all(self.containers.iter().map(async |container| {
            let exit = container.process.stop(container.stop_signal, container.stop_timeout.min(most)).await;
            if let Some(logs) = container.logs.lock().await.take() {
                let _ = tokio::time::timeout(LAST_LINES, logs).await;
            }
            exit
        }))
        .await
    }
}

/// Running tasks by key.
#[derive(Default)]
pub(super) struct RunningTasks {
    tasks: Mutex<HashMap<String, Arc<RunningTask>>>,
}

impl Part for RunningTasks {
    fn open(_setup: &Setup) -> Self {
        Self::default()
    }
}

impl RunningTasks {
    pub(super) fn find(&self, key: &str) -> Option<Arc<RunningTask>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn keep(&self, key: &str, task: RunningTask) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), Arc::new(task));
    }

    /// Stops all tasks.
    pub(super) async fn stop_all(&self, most: Duration) {
        let tasks: Vec<_> = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        join_all(tasks.iter().map(|(_, task)| task.stop(most))).await;
    }

    pub(super) fn forget(&self, key: &str) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
