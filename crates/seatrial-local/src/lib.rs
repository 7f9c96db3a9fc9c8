//! The embedded local cloud: AWS's wire protocols, and engines that really build, start tasks, shift traffic
//! and roll back, in one process on 127.0.0.1.
//!
//! [`LocalCloud::start`] gives a handle; everything else is reached over HTTP.

mod access;
mod archive;
mod authority;
mod blocking;
mod clock;
mod cloud;
mod collector;
mod console;
mod credentials;
mod doors;
mod engine;
mod error;
mod fault;
mod id;
mod journal;
mod json_lines;
mod latency;
mod metric;
mod operation;
mod page;
mod persist;
mod principal;
mod protocol;
mod proxy;
mod registry;
mod retry;
mod runtime;
mod services;
mod start;
mod tags;
#[cfg(test)]
mod tests;
mod wildcards;

/// Names the source that this library was compiled from, and with it the format of what it keeps: a local cloud of
/// another source is another build.
pub const SOURCE: &str = env!("SEATRIAL_LOCAL_SOURCE");

pub use access::{Check, Statement};
pub use archive::{ArchiveError, Snapshot, snapshot};
pub use authority::certificate_authority;
pub use clock::{Clock, Epoch};
pub use cloud::{Cloud, Settings};
pub use credentials::Credentials;
pub use fault::{Fault, FaultKind, Faults};
pub use journal::{Entry, Journal, Use};
pub use latency::{Latencies, LatencyError};
pub use operation::Operations;
pub use persist::PersistError;
/// Open files: as many as the system gives, for whoever holds many sockets; to its children as many as before.
pub use runtime::limits as open_files;
pub use runtime::postgres::{PostgresBinaries, PostgresNotFound, find_postgres, sweep_databases};
/// What a program that is started as the agent of a task does before anything else; and what removes what tasks wrote.
pub use runtime::sandbox::{serve_as_task_agent, sweep_tasks};
pub use start::{
    DATA_ENTRIES, LocalCloud, NoNamespaces, Options, StartError, read_latencies, try_namespaces,
};
