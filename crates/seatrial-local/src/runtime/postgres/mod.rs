//! A real Postgres server for a database instance: its binaries, its cluster on disk, its process.

mod cluster;
mod find;
mod place;
mod server;

pub(crate) use cluster::{Cluster, Owner};
pub use find::{PostgresBinaries, PostgresNotFound, find_postgres};
pub use place::sweep_databases;
pub(crate) use place::{account, find_place, remove_place};
pub(crate) use server::{Server, free_port};

/// Why a database server could not be made or started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostgresError {
    #[error(transparent)]
    NotFound(#[from] PostgresNotFound),
    #[error("failed to {what} `{path}`: {source}")]
    Io { what: &'static str, path: std::path::PathBuf, source: std::io::Error },
    #[error("`{program}` failed: {output}")]
    Failed { program: &'static str, output: String },
    #[error("the database server did not become ready: {output}")]
    NotReady { output: String },
}
