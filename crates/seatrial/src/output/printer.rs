//! The only code that writes to a stream: data to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::Serialize;

use super::hint::hints_of;

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
}

impl Printer {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, started: Arc::new(Instant::now()) }
    }

    /// The time since the command began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// True where a person can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// The result of the command, once: its text, or the same value as JSON.
    pub(crate) fn result<T: Serialize + Display>(&self, value: &T) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Text => value.to_string(),
            Format::Json => serde_json::to_string(value)?,
        };
        let mut stdout = anstream::stdout().lock();
        match writeln!(stdout, "{}", text.trim_end()) {
            // A reader that has seen enough (`| head`) is no error.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    /// One line of progress with the UTC time, and what it is about.
    pub(crate) fn event(&self, subject: &str, text: impl Display) {
        let time = jiff::Timestamp::now().strftime("%H:%M:%S");
        self.line(format_args!("{time} {subject:<28} {text}"));
    }

    /// A plain line on stderr.
    pub(crate) fn note(&self, text: impl Display) {
        self.line(format_args!("{text}"));
    }

    pub(crate) fn warning(&self, text: impl Display) {
        self.line(format_args!("warning: {text}"));
    }

    /// An error with its chain of causes and its hints.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut text = format!("error: {error}");
        for cause in error.chain().skip(1) {
            text.push_str(&format!("\n  caused by: {cause}"));
        }
        for hint in hints_of(error) {
            text.push_str(&format!("\nhint: {hint}"));
        }
        self.line(format_args!("{text}"));
    }

    /// Asks on the terminal; only `yes` or `y` is a yes.
    pub(crate) fn ask(&self, question: &str) -> std::io::Result<String> {
        let mut stderr = anstream::stderr().lock();
        write!(stderr, "{question} ")?;
        stderr.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    fn line(&self, text: std::fmt::Arguments<'_>) {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}
