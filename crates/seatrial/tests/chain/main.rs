//! The whole chain on the local cloud, by the built binary: real builds, tasks, load balancer and database.
//!
//! One binary, because these tests wait more than they compute: together they end sooner than one file after another.

mod explained;
mod https;
mod keys;
mod main_job;
mod permissions;
mod search;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod traffic;
mod word;
