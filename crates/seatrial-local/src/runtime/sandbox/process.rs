//! What the processes of a sandbox do with themselves.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::Pid;
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use rustix::{fs::Gid, fs::Uid};

/// Of a process that was just made; only what it uses is ever there.
const STACK: usize = 1024 * 1024;

/// Makes a child that runs `child`, with its result as exit code, in new namespaces.
#[expect(unsafe_code, reason = "no safe function makes a child in namespaces of its own")]
pub(super) fn clone(namespaces: CloneFlags, child: impl FnMut() -> isize) -> io::Result<Pid> {
    let mut stack = vec![0; STACK];
    // SAFETY: the child gets a copy of this process's memory, the stack with it, and shares nothing. This process has
    // one thread, so the copy has no lock that nobody would open.
    let pid = unsafe { nix::sched::clone(Box::new(child), &mut stack, namespaces, Some(libc_sigchld())) };
    Ok(pid?)
}

fn libc_sigchld() -> i32 {
    nix::sys::signal::Signal::SIGCHLD as i32
}

/// Ends this process with the one that made it. Forgotten by the kernel when ids change.
pub(super) fn end_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Becomes user and group 0 of the user namespace.
pub(super) fn become_root() -> io::Result<()> {
    become_user(0, 0, &[])?;
    end_with_parent()
}

/// Becomes that user, for good.
pub(super) fn become_user(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    let groups: Vec<Gid> = groups.iter().map(|group| Gid::from_raw(*group)).collect();
    let (user, group) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    // A user who has no id to give but their own may not change them; the kernel then knows of none.
    let keeps_groups =
        std::fs::read_to_string("/proc/self/setgroups").is_ok_and(|found| found.trim() == "deny");
    if !keeps_groups {
        set_thread_groups(&groups).map_err(|error| wrapped("set groups", error))?;
    }
    set_thread_res_gid(group, group, group).map_err(|error| wrapped("set the group", error))?;
    set_thread_res_uid(user, user, user).map_err(|error| wrapped("set the user", error))
}

/// Has user and group 0 of this user namespace be others in a new one, where they are the only ones.
pub(super) fn rename_root(uid: u32, gid: u32) -> io::Result<()> {
    nix::sched::unshare(CloneFlags::CLONE_NEWUSER).map_err(failed_to("make another user namespace"))?;
    std::fs::write("/proc/self/uid_map", format!("{uid} 0 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{gid} 0 1"))
}

/// Whether this user namespace knows more than one user.
pub(super) fn has_users() -> io::Result<bool> {
    let map = std::fs::read_to_string("/proc/self/uid_map")?;
    let counts = map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u32>().ok());
    Ok(counts.sum::<u32>() > 1)
}

/// A path to what is open, for calls that take no descriptor.
pub(super) fn path_of(file: &impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

/// Says what could not be done.
pub(super) fn failed_to(what: &str) -> impl Fn(Errno) -> io::Error + '_ {
    move |errno| wrapped(what, errno)
}

fn wrapped(what: &str, error: impl Into<io::Error>) -> io::Error {
    let error: io::Error = error.into();
    io::Error::new(error.kind(), format!("failed to {what}: {error}"))
}
