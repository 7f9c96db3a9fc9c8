//! Network interfaces of tasks: where a connection to an address of a task leads.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use tokio::net::TcpStream;

use crate::cloud::{Part, Setup};
use crate::runtime::sandbox::Sandbox;

/// Sandboxes by the address of their task.
#[derive(Default)]
pub(crate) struct Interfaces {
    attached: RwLock<HashMap<IpAddr, Attached>>,
}

#[derive(Clone)]
struct Attached {
    sandbox: Weak<Sandbox>,
    answers: bool,
}

impl Part for Interfaces {
    fn open(_setup: &Setup) -> Self {
        Self::default()
    }
}

impl Interfaces {
    /// Has connections to `address` made inside the sandbox, as long as it is there; all of them are refused where it does
    /// not answer, whatever listens in it.
    pub(crate) fn attach(&self, address: IpAddr, sandbox: &Arc<Sandbox>, answers: bool) {
        let mut attached = self.attached.write().unwrap_or_else(PoisonError::into_inner);
        attached.retain(|_, attached| attached.sandbox.strong_count() > 0);
        attached.insert(address, Attached { sandbox: Arc::downgrade(sandbox), answers });
    }

    /// Connects to a task, in its own network if it has one.
    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let attached =
            self.attached.read().unwrap_or_else(PoisonError::into_inner).get(&address.ip()).cloned();
        match attached.map(|attached| attached.sandbox.upgrade().filter(|_| attached.answers)) {
            Some(Some(sandbox)) => sandbox.connect(address).await,
            // It has ended, or answers nobody: nobody else is to in its place.
            Some(None) => Err(io::ErrorKind::ConnectionRefused.into()),
            None => TcpStream::connect(address).await,
        }
    }
}
