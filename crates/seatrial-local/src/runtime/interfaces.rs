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
    attached: RwLock<HashMap<IpAddr, Weak<Sandbox>>>,
}

impl Part for Interfaces {
    fn open(_setup: &Setup) -> Self {
        Self::default()
    }
}

impl Interfaces {
    /// Has connections to `address` made inside the sandbox, as long as it is there.
    pub(crate) fn attach(&self, address: IpAddr, sandbox: &Arc<Sandbox>) {
        let mut attached = self.attached.write().unwrap_or_else(PoisonError::into_inner);
        attached.retain(|_, sandbox| sandbox.strong_count() > 0);
        attached.insert(address, Arc::downgrade(sandbox));
    }

    /// Connects to a task, in its own network if it has one.
    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let attached =
            self.attached.read().unwrap_or_else(PoisonError::into_inner).get(&address.ip()).cloned();
        match attached.map(|sandbox| sandbox.upgrade()) {
            Some(Some(sandbox)) => sandbox.connect(address).await,
            // It has ended: nobody else is to answer in its place.
            Some(None) => Err(io::ErrorKind::ConnectionRefused.into()),
            None => TcpStream::connect(address).await,
        }
    }
}
