//! Going through a graph of resources, as many at a time as the graph allows.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::super::graph::Graph;
use super::super::status::Status;
use super::run::Run;
use crate::error::ServiceError;

/// How to go.
pub(super) struct Walk<'a> {
    pub run: &'a Run,
    pub graph: &'a Graph,
    /// Start nothing more once one has failed, and cancel what can be cancelled. Otherwise all go on that do
    /// not need the one that failed.
    pub stop_at_failure: bool,
    /// The stack's state while this goes on: another one means that a call has overtaken it.
    pub phase: Status,
}

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub failed: Vec<String>,
    pub overtaken: bool,
}

struct Going {
    tasks: JoinSet<bool>,
    running: BTreeMap<String, AbortHandle>,
    names: BTreeMap<Id, String>,
    started: BTreeSet<String>,
    done: BTreeSet<String>,
    stopping: bool,
}

impl Walk<'_> {
    /// Does `work` for each resource once what it needs is done. `work` answers whether it succeeded, after it
    /// has recorded a failure; it runs as a task of its own, so a panic in it fails one resource only.
    pub(super) async fn go<F, W>(&self, work: F) -> Result<Walked, ServiceError>
    where
        F: Fn(String) -> W,
        W: Future<Output = bool> + Send + 'static,
    {
        let mut walked = Walked::default();
        let mut going = Going {
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            names: BTreeMap::new(),
            started: BTreeSet::new(),
            done: BTreeSet::new(),
            stopping: false,
        };
        loop {
            let overtaken = self.run.store.overtaken.notified();
            tokio::pin!(overtaken);
            overtaken.as_mut().enable();
            if !walked.overtaken && self.run.stack()?.status != self.phase {
                walked.overtaken = true;
                self.stop(&mut going);
            }
            self.start(&mut going, &work);
            tokio::select! {
                joined = going.tasks.join_next_with_id() => match joined {
                    None => return Ok(walked),
                    Some(joined) => self.joined(joined, &mut going, &mut walked)?,
                },
                () = overtaken => {}
            }
        }
    }

    fn start<F, W>(&self, going: &mut Going, work: &F)
    where
        F: Fn(String) -> W,
        W: Future<Output = bool> + Send + 'static,
    {
        if going.stopping {
            return;
        }
        for (id, needs) in self.graph {
            let ready = needs.iter().all(|need| going.done.contains(need) || !self.graph.contains_key(need));
            if ready && going.started.insert(id.clone()) {
                let handle = going.tasks.spawn(work(id.clone()));
                going.names.insert(handle.id(), id.clone());
                going.running.insert(id.clone(), handle);
            }
        }
    }

    /// Starts nothing more. What has a physical ID can be undone from there, so its wait is cut off; what has
    /// none yet is waited for, or it would be left behind.
    fn stop(&self, going: &mut Going) {
        going.stopping = true;
        for (id, handle) in &going.running {
            if self.run.resource(id).is_some_and(|resource| resource.physical_id.is_some()) {
                handle.abort();
            }
        }
    }

    fn joined(
        &self,
        joined: Result<(Id, bool), JoinError>,
        going: &mut Going,
        walked: &mut Walked,
    ) -> Result<(), ServiceError> {
        let (task, succeeded) = match joined {
            Ok((task, succeeded)) => (task, succeeded),
            Err(error) => {
                let Some(id) = going.names.get(&error.id()) else { return Ok(()) };
                self.cut_off(id, &error)?;
                (error.id(), false)
            }
        };
        let Some(id) = going.names.remove(&task) else { return Ok(()) };
        going.running.remove(&id);
        if succeeded {
            going.done.insert(id);
            return Ok(());
        }
        walked.failed.push(id);
        if self.stop_at_failure && !going.stopping {
            self.stop(going);
        }
        Ok(())
    }

    /// Records the failure of a resource whose task could not do so.
    fn cut_off(&self, id: &str, error: &JoinError) -> Result<(), ServiceError> {
        let Some(mut resource) = self.run.resource(id) else { return Ok(()) };
        let (status, what) = match resource.status {
            Status::CreateInProgress => (Status::CreateFailed, "creation"),
            Status::UpdateInProgress => (Status::UpdateFailed, "update"),
            Status::DeleteInProgress => (Status::DeleteFailed, "deletion"),
            Status::ImportInProgress => (Status::ImportFailed, "import"),
            _ => return Ok(()),
        };
        let reason = match error.is_cancelled() {
            true => format!("Resource {what} cancelled"),
            false => "Internal Failure".to_owned(),
        };
        self.run.mark(&mut resource, status, Some(reason))
    }
}
