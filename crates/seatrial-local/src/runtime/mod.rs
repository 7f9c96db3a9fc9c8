//! What runs outside this process: tasks, builds and the database server.

pub(crate) mod interfaces;
pub mod limits;
pub(crate) mod lines;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod sandbox;
pub(crate) mod unpack;
