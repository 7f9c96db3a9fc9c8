//! The only code that writes to a stream: data to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::Serialize;

use super::channel::{Channel, Message};
use super::event::Event;

/// What stdout carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One object.
    Json,
}

/// Writes results, events, warnings and errors. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Printer {
    format: Format,
    started: Arc<Instant>,
    channel: Channel,
}

impl Printer {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, started: Arc::new(Instant::now()), channel: Channel::open() }
    }

    /// The time since the command began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// True where a person can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// The result of the command, once: its text, or the same value as JSON. Where there is no text, there is none.
    pub(crate) fn result<T: Serialize + Display>(&self, value: &T) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Text => value.to_string(),
            Format::Json => serde_json::to_string(value)?,
        };
        self.channel.flush();
        if text.is_empty() {
            return Ok(());
        }
        let mut stdout = anstream::stdout().lock();
        match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
            // A reader that has seen enough (`| head`) is no error.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    /// Tells what happened.
    pub(crate) fn tell(&self, event: Event) {
        self.channel.send(Message::Event(event));
    }

    /// One line of progress about `subject`.
    pub(crate) fn event(&self, subject: &str, text: impl Display) {
        self.tell(Event::text(subject, text));
    }

    /// A plain line on stderr.
    pub(crate) fn note(&self, text: impl Display) {
        self.channel.send(Message::Line(text.to_string()));
    }

    pub(crate) fn warning(&self, text: impl Display) {
        self.note(format_args!("warning: {text}"));
    }

    /// Waits until everything that was told is shown.
    pub(crate) fn flush(&self) {
        self.channel.flush();
    }

    /// Writes a question, behind everything that was told before it.
    pub(crate) fn question(&self, question: &str) -> std::io::Result<()> {
        self.channel.flush();
        let mut stderr = anstream::stderr().lock();
        write!(stderr, "{question} ")?;
        stderr.flush()
    }
}
