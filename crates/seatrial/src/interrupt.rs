//! SIGINT, SIGTERM and SIGHUP: the first asks the command to end, the second insists.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::session::Session;

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

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }

    /// Cancels the session at the first signal; returns at the second, when nobody wants to wait any longer.
    pub(crate) async fn watch(mut self, session: &Session) {
        self.next().await;
        session.cancel.cancel();
        session.printer.note("interrupted: ending (once more ends at once)");
        self.next().await;
    }
}
