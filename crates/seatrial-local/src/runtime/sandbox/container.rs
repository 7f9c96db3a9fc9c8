//! A container: the first process of a pid and a mount namespace of its own, until it is the image's program.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::sched::CloneFlags;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::signalfd::SignalFd;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, execve, setsid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, capability_is_in_bounding_set, remove_capability_from_bounding_set};

use super::message::{Container, Execution, Limit, Program};
use super::process::{become_user, clone, end_with_parent, has_users, rename_root};
use super::root;

/// More capabilities than any kernel has.
const CAPABILITIES: u32 = 64;

/// Starts the container of that number, which writes to `output`. It runs its program, or fails, by the time this
/// returns.
pub(super) fn start(
    stage: &Path,
    (number, container): (usize, &Container),
    output: OwnedFd,
) -> io::Result<Pid> {
    let (mut told, tell) = io::pipe()?;
    let mut tell = Some(tell);
    let namespaces = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS;
    let child = clone(namespaces, || {
        let entered = enter((stage, number), container, &output);
        let ended =
            entered.and_then(|()| wait(&container.program, &mut tell)).and_then(
                |execution| match execution {
                    Ok(execution) => execute(execution, container).map(|never| match never {}),
                    Err(code) => Ok(code),
                },
            );
        ended.unwrap_or_else(|error| {
            // By the log where it is no failure to start any more.
            let _ = match &mut tell {
                Some(tell) => write!(tell, "{error}"),
                None => writeln!(io::stderr(), "{error}"),
            };
            1
        }) as isize
    })?;
    drop(tell);
    let mut error = String::new();
    told.read_to_string(&mut error)?;
    if error.is_empty() {
        return Ok(child);
    }
    nix::sys::wait::waitpid(child, None)?;
    Err(io::Error::other(error))
}

/// Becomes what the container's program is to be, but for the program itself.
fn enter((stage, number): (&Path, usize), container: &Container, output: &OwnedFd) -> io::Result<()> {
    end_with_parent()?;
    root::enter((stage, number), container)?;
    setsid()?;
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    nix::unistd::dup2_stdout(output)?;
    nix::unistd::dup2_stderr(output)?;
    umask(Mode::from_bits_truncate(0o022));
    for (limit, soft, hard) in &container.limits {
        let resource = resource(*limit);
        // Whoever may give no more than they have gives that.
        let most = getrlimit(resource).maximum;
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        let exactly = Rlimit { current: *soft, maximum: *hard };
        let at_most = Rlimit { current: least(*soft, most), maximum: least(*hard, most) };
        setrlimit(resource, exactly)
            .or_else(|_| setrlimit(resource, at_most))
            .map_err(|error| io::Error::other(format!("failed to limit {limit:?}: {error}")))?;
    }
    let user = &container.user;
    if (user.uid, user.gid) != (0, 0) && !has_users()? {
        rename_root(user.uid, user.gid)?;
    }
    bound_capabilities(&container.capabilities)?;
    become_user(user.uid, user.gid, &user.groups)?;
    end_with_parent()?;
    default_signals()
}

/// Does what comes before the program. It has started then, and `tell` is closed.
fn wait(program: &Program, tell: &mut Option<io::PipeWriter>) -> io::Result<Result<Execution, i32>> {
    if program.runs.is_ok() && program.says.is_none() && program.sleeps == 0 {
        return Ok(program.runs.clone());
    }
    tell.take();
    // Before anything is said: whoever hears it may want it to end. The first process of a pid namespace loses each
    // signal that it neither handles nor waits for.
    let signals = SigSet::from(Signal::SIGTERM);
    signals.thread_block()?;
    if let Some(line) = &program.says {
        writeln!(io::stdout(), "{line}")?;
    }
    if program.sleeps > 0 && comes_within(program.sleeps, &signals)? {
        return Ok(Err(128 + Signal::SIGTERM as i32));
    }
    signals.thread_unblock()?;
    Ok(program.runs.clone())
}

/// Whether one of the signals, which are blocked, comes within so many seconds.
fn comes_within(seconds: u32, signals: &SigSet) -> io::Result<bool> {
    let told = SignalFd::new(signals)?;
    let patience = Timespec { tv_sec: i64::from(seconds), tv_nsec: 0 };
    Ok(poll(&mut [PollFd::new(&told, PollFlags::IN)], Some(&patience))? > 0)
}

fn execute(execution: Execution, container: &Container) -> io::Result<Infallible> {
    let argv = execution.argv.iter().map(|argument| text(argument)).collect::<io::Result<Vec<_>>>()?;
    let env = container.env.iter().map(|(name, value)| text(&format!("{name}={value}")));
    let env = env.collect::<io::Result<Vec<_>>>()?;
    let path = CString::new(execution.path.as_os_str().as_bytes())?;
    let why =
        |error| io::Error::other(format!("exec {}: {}", execution.path.display(), io::Error::from(error)));
    execve(&path, &argv, &env).map_err(why)
}

fn text(text: &str) -> io::Result<CString> {
    Ok(CString::new(text)?)
}

/// Nothing that the local cloud or its starter ignores is ignored in a container.
#[expect(unsafe_code, reason = "no safe function sets what a signal does; its default is no code of ours")]
fn default_signals() -> io::Result<()> {
    for one in Signal::iterator().filter(|one| !matches!(one, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: no handler is installed that could run at a bad moment.
        unsafe { signal(one, SigHandler::SigDfl) }?;
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
}

/// Keeps the capabilities of these numbers only, from any program that runs later, setuid or not.
fn bound_capabilities(kept: &[u32]) -> io::Result<()> {
    for number in (0..CAPABILITIES).filter(|number| !kept.contains(number)) {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        // The kernel knows no more of them.
        if capability_is_in_bounding_set(capability).is_err() {
            break;
        }
        remove_capability_from_bounding_set(capability)?;
    }
    Ok(())
}

fn resource(limit: Limit) -> Resource {
    match limit {
        Limit::Core => Resource::Core,
        Limit::Cpu => Resource::Cpu,
        Limit::Data => Resource::Data,
        Limit::Fsize => Resource::Fsize,
        Limit::Locks => Resource::Locks,
        Limit::Memlock => Resource::Memlock,
        Limit::Msgqueue => Resource::Msgqueue,
        Limit::Nice => Resource::Nice,
        Limit::Nofile => Resource::Nofile,
        Limit::Nproc => Resource::Nproc,
        Limit::Rss => Resource::Rss,
        Limit::Rtprio => Resource::Rtprio,
        Limit::Rttime => Resource::Rttime,
        Limit::Sigpending => Resource::Sigpending,
        Limit::Stack => Resource::Stack,
    }
}
