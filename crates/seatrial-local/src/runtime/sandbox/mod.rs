//! Sandboxes: a task's namespaces of users, mounts, processes and network, as Fargate gives each task a machine.
//!
//! [`Sandboxes`] makes them, where this machine lets it: `agent` is the process inside, [`Sandbox`] the local cloud's
//! end of it, `message` what they say to each other. `container` and `root` are what a container becomes before it is
//! its program.

mod message;
mod task;

#[cfg(target_os = "linux")]
mod advice;
#[cfg(target_os = "linux")]
mod agent;
#[cfg(target_os = "linux")]
mod container;
#[cfg(target_os = "linux")]
mod handle;
#[cfg(target_os = "linux")]
mod ids;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod root;
#[cfg(target_os = "linux")]
mod sandboxes;
#[cfg(target_os = "linux")]
mod sweep;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(not(target_os = "linux"))]
mod elsewhere;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Ids, Relay, Sandbox, Sandboxes, Silence, Unusable, relay};
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{serve_as_task_agent, sweep_tasks};

#[cfg(target_os = "linux")]
pub use agent::serve_as_task_agent;
#[cfg(target_os = "linux")]
pub(crate) use handle::{Sandbox, Silence};
#[cfg(target_os = "linux")]
pub(crate) use ids::Ids;
#[cfg(target_os = "linux")]
pub(crate) use relay::{Relay, relay};
#[cfg(target_os = "linux")]
pub(crate) use sandboxes::{Sandboxes, Unusable};
#[cfg(target_os = "linux")]
pub use sweep::sweep_tasks;

pub(crate) use message::{Container, Execution, Limit, Mount, Program, Range, User};
pub(crate) use task::Task;

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
