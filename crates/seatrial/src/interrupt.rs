//! SIGINT, SIGTERM and SIGHUP: the first asks the command to end, the second insists.

use std::mem::MaybeUninit;
use std::time::Duration;

use nix::libc;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::ExitStatus;
use crate::session::Session;

/// How long a command that was left has to give its thread back.
const PATIENCE: Duration = Duration::from_secs(2);

/// The signals that end a command; `None` for one that it was started to ignore.
pub(crate) struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
}

impl Signals {
    /// Takes the signals over; from now on none of them kills the process. Those that whoever started it had it ignore,
    /// as `nohup` and a shell's `&` do, stay ignored.
    pub(crate) fn take() -> std::io::Result<Self> {
        let take = |kind| if is_ignored(kind) { Ok(None) } else { signal(kind).map(Some) };
        Ok(Self {
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
            hangup: take(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = next(&mut self.interrupt) => {}
            () = next(&mut self.terminate) => {}
            () = next(&mut self.hangup) => {}
        }
    }

    /// Cancels the session at the first signal; insists at the second, when nobody wants to wait any longer. A task of
    /// its own, so that a command is told although it computes.
    pub(crate) async fn watch(mut self, session: Session) {
        self.next().await;
        session.cancel.cancel();
        session.printer.note("interrupted: ending (once more ends at once)");
        self.next().await;
        session.cancel.insist();
        tokio::time::sleep(PATIENCE).await;
        session.printer.end();
        leave();
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether the process ignores a signal.
#[expect(unsafe_code, reason = "std and nix cannot ask what is done with a signal, only say it")]
fn is_ignored(kind: SignalKind) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes what it finds to `action`, of which all zeros are a value.
    let action = unsafe {
        libc::sigaction(kind.as_raw_value(), std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

#[expect(clippy::exit, reason = "whoever blocks the main thread does not return, and was told twice")]
fn leave() {
    std::process::exit(ExitStatus::Interrupted.code().into());
}
