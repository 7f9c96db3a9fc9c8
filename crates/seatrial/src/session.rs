//! What belongs to one run of the program, before any environment is known: its voice, its end, its clock, and
//! whether it has changed anything.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::exit::Interrupted;
use crate::output::Printer;

/// The commands that are named to whoever has to go on.
const COMMANDS: [&str; 7] = ["doctor", "generate", "logs", "provision", "release", "rollback", "status"];

/// Cheap to clone; all clones are the same run.
#[derive(Clone)]
pub(crate) struct Session {
    pub printer: Printer,
    pub cancel: Cancel,
    pub clock: Clock,
    pub changes: Changes,
    /// How this project spells the program: `cargo xtask` where nothing else is said.
    pub program: &'static str,
    /// The command's name: `provision`.
    pub command_name: String,
    /// The environment that was asked for; the default one where none was.
    pub environment: Option<String>,
    /// The command that goes on with what this one starts in AWS, where it may start something.
    pub resume: Option<Resume>,
}

/// The command that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resume {
    /// With the `--yes` that was typed, if one was.
    pub agreed: String,
    /// Without one.
    pub asked: String,
}

impl Session {
    pub(crate) fn new(printer: Printer, program: &'static str) -> Self {
        let (cancel, changes, command_name) = (Cancel::default(), Changes::default(), String::new());
        Self {
            printer,
            cancel,
            clock: Clock,
            changes,
            program,
            command_name,
            environment: None,
            resume: None,
        }
    }

    /// What became of something that failed: it may have failed because the command is to end.
    pub(crate) fn cancelled_or(&self, error: impl Into<anyhow::Error>) -> anyhow::Error {
        self.cancel.check().map_or_else(Into::into, |()| error.into())
    }

    /// What to type for another command in the environment of this one, as this project spells it.
    pub(crate) fn command(&self, words: &str) -> String {
        match &self.environment {
            Some(environment) => format!("{} {words} --environment {environment}", self.program),
            None => format!("{} {words}", self.program),
        }
    }

    /// A text that names commands of ours in the form of `` `release --again` ``, with each of them as it is typed here.
    pub(crate) fn with_commands(&self, text: &str) -> String {
        let ours = |words: &str| COMMANDS.contains(&words.split(' ').next().unwrap_or_default());
        let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 == 1 && ours(part) {
            true => self.command(part),
            false => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("`")
    }

    /// A text of a crate that knows nothing of this run, with the commands in it as this project spells them.
    pub(crate) fn spelled(&self, text: &str) -> String {
        text.replace("cargo xtask", self.program)
    }
}

/// Told when the command is to end early. Work that can be left waits for it; what must be undone first is undone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancel {
    asked: CancellationToken,
    insisted: CancellationToken,
}

impl Cancel {
    pub(crate) fn cancel(&self) {
        self.asked.cancel();
    }

    /// Nobody wants to wait for the end any longer.
    pub(crate) fn insist(&self) {
        self.insisted.cancel();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Returns when the command is to end.
    pub(crate) async fn cancelled(&self) {
        self.asked.cancelled().await;
    }

    /// Returns when the command is to end at once.
    pub(crate) async fn insisted(&self) {
        self.insisted.cancelled().await;
    }

    /// Runs something that only reads, and leaves it when the command is to end.
    pub(crate) async fn unless_cancelled<F: Future>(&self, reading: F) -> Result<F::Output, Interrupted> {
        self.asked.run_until_cancelled(reading).await.ok_or(Interrupted)
    }

    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        if self.is_cancelled() { Err(Interrupted) } else { Ok(()) }
    }
}

/// The clock of waits and deadlines: tokio's, which tests stop and move.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock;

impl Clock {
    pub(crate) fn now(self) -> Instant {
        Instant::now()
    }

    pub(crate) async fn sleep(self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

/// Whether this run has changed anything, in AWS or in the user's files. Exit code 3 promises that it has not. A change is
/// noted before it is begun: whoever leaves in the middle does not know how far it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    noted: Arc<AtomicUsize>,
    go_on: Arc<AtomicBool>,
}

impl Changes {
    pub(crate) fn note(&self) {
        self.noted.fetch_add(1, Ordering::SeqCst);
    }

    /// Of what was noted, once, nothing was done.
    pub(crate) fn take_back(&self) {
        self.noted.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn any(&self) -> bool {
        self.noted.load(Ordering::SeqCst) > 0
    }

    /// What was started is not waited for: it goes on in AWS although the command is done.
    pub(crate) fn leave(&self) {
        self.go_on.store(true, Ordering::SeqCst);
    }

    pub(crate) fn go_on(&self) -> bool {
        self.go_on.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    #[test]
    fn commands_in_a_text_are_spelled_with_program_and_environment_and_other_words_are_left() {
        let mut session = Session::new(Printer::new(Format::Text), "cargo seatrial");
        session.environment = Some("production".to_owned());

        let told =
            session.with_commands("see `status`, then `release --again`; not `app.secrets` nor release");

        assert_eq!(
            told,
            "see `cargo seatrial status --environment production`, then `cargo seatrial release --again --environment \
             production`; not `app.secrets` nor release"
        );
    }
}
