//! Seatrial takes a web application from `git push` to zero-downtime blue/green on AWS, or rehearses it here.
//!
//! A project runs it as `cargo xtask`, from a `main` of one line:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     seatrial::main()
//! }
//! ```
//!
//! A project with checks or commands of its own adds them to a [`Tool`]; one whose `xtask` has a command line already
//! hands what is ours to [`Tool::run`].

mod ask;
mod aws;
mod cli;
mod commands;
mod context;
mod exit;
mod follow;
mod git;
mod hint;
mod image;
pub mod install;
mod interrupt;
mod local;
mod outcome;
mod output;
mod plan;
mod process;
mod rollout;
mod running;
mod session;
mod shipped;
mod tool;

use std::process::ExitCode;

pub use clap;
pub use commands::{Check, Checking};
pub use exit::ExitStatus;
pub use running::Running;
pub use tool::Tool;

/// Runs what was typed; the exit code is one of `docs/exit-codes.md`.
pub fn main() -> ExitCode {
    Tool::new().main()
}
