//! SIGINT, SIGTERM and SIGHUP: the first asks the command to end, the second insists.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::ExitStatus;
use crate::session::Session;

/// How long a command that was left has to give its thread back.
const PATIENCE: Duration = Duration::from_secs(2);

/// The signals that end a command.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes the signals over; from now on none of them kills the process.
    pub(crate) fn take() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
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
        leave();
    }
}

#[expect(clippy::exit, reason = "whoever blocks the main thread does not return, and was told twice")]
fn leave() {
    std::process::exit(ExitStatus::Interrupted.code().into());
}
