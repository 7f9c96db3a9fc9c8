//! What runs outside this process: tasks, builds and the database server.

pub mod limits;
pub(crate) mod postgres;
pub(crate) mod process;
