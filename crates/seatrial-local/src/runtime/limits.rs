//! Open files: the local cloud may have as many as the system lets it, its children as many as its starter had.
//!
//! A load balancer under load holds two descriptors a request, and macOS starts programs with 256. A program of the
//! user's must not get more than it would without us: some close every descriptor they may have.

use std::io;
use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use tokio::process::Command;

/// The most that macOS takes where the hard limit is "unlimited" (`OPEN_MAX` in its `sys/syslimits.h`).
const OPEN_MAX: rlim_t = 10_240;

/// Soft and hard limit at the first start in this process; limits are the process's own.
static FIRST: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// Raises the soft limit of open files to the hard one, as far as the system lets it.
pub fn raise() {
    let (soft, hard) = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok(found) => *FIRST.get_or_init(|| found),
        Err(error) => return tracing::warn!(%error, "the limit of open files is unknown"),
    };
    let set = |wanted| setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
    if let Err(error) = set(hard).or_else(|_| set(hard.min(OPEN_MAX).max(soft))) {
        tracing::warn!(%error, soft, "the limit of open files stays");
    }
}

/// Has a child start with the limit that was there before [`raise`].
#[expect(
    unsafe_code,
    reason = "a limit of a child alone can only be set between fork and exec; setrlimit is safe there"
)]
pub fn restore_in(command: &mut Command) {
    let Some((soft, hard)) = FIRST.get().copied() else { return };
    let set = move || setrlimit(Resource::RLIMIT_NOFILE, soft, hard).map_err(io::Error::from);
    // SAFETY: the closure makes one system call and neither allocates nor takes locks.
    unsafe {
        command.pre_exec(set);
    }
}
