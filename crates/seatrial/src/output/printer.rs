//! The only code that writes to a stream: data to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::Serialize;

use super::channel::{Channel, Message};
use super::event::{Event, What, Whole};

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
    record: Arc<Mutex<Vec<Event>>>,
    /// All that is told is recorded, for a report.
    records_all: Arc<AtomicBool>,
}

impl Printer {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            started: Arc::new(Instant::now()),
            channel: Channel::open(),
            record: Arc::default(),
            records_all: Arc::default(),
        }
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
        self.data(std::slice::from_ref(value)).map(drop)
    }

    /// Data that comes bit by bit, before the result: a line each, as text or as JSON. Whether somebody still reads: a
    /// reader that has seen enough (`| head`) is no error.
    pub(crate) fn data<T: Serialize + Display>(&self, values: &[T]) -> anyhow::Result<bool> {
        self.channel.flush();
        let mut stdout = anstream::stdout().lock();
        for value in values {
            let text = match self.format {
                Format::Text => value.to_string(),
                Format::Json => serde_json::to_string(value)?,
            };
            let text = text.trim_end();
            if !text.is_empty() && is_unread(writeln!(stdout, "{text}"))? {
                return Ok(false);
            }
        }
        Ok(!is_unread(stdout.flush())?)
    }

    /// Tells what happened.
    pub(crate) fn tell(&self, event: Event) {
        if is_recorded(&event) || self.records_all.load(Ordering::Relaxed) {
            self.record.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        }
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

    /// Writes a question, behind everything that was told before it. What is told from then on may wait for
    /// [`Printer::answered`].
    pub(crate) fn question(&self, question: &str) -> std::io::Result<()> {
        self.channel.question(question)
    }

    /// A question has its answer, by a line that was `typed`, or nobody waits for one any more.
    pub(crate) fn answered(&self, typed: bool) {
        self.channel.send(Message::Answered { typed });
    }

    /// Things are done together until what this answers is dropped: they are shown together.
    #[must_use = "it is over when this is dropped"]
    pub(crate) fn together(&self, subject: &str, whole: Whole) -> Together {
        self.tell(Event::new(None, subject, What::Begun(whole)));
        Together { printer: self.clone(), subject: subject.to_owned() }
    }

    /// Does one of the things that are done together, a stack or something else that is made; `changed` says of its end
    /// whether anything was done.
    pub(crate) async fn one<T, E>(
        &self,
        subject: &str,
        work: impl Future<Output = Result<T, E>>,
        changed: impl FnOnce(&T) -> bool,
    ) -> Result<T, E> {
        self.tell(Event::new(None, subject, What::InWork));
        let ended = work.await;
        let (changed, failed) = (ended.as_ref().is_ok_and(changed), ended.is_err());
        self.tell(Event::new(None, subject, What::Reached { changed, failed }));
        ended
    }

    /// Records all that is told from now on, log lines too.
    pub(crate) fn record_all(&self) {
        self.records_all.store(true, Ordering::Relaxed);
    }

    /// What was told so far of resources, stacks and what else is made, oldest first; all, since that was asked for.
    pub(crate) fn recorded(&self) -> Vec<Event> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn is_unread(written: std::io::Result<()>) -> std::io::Result<bool> {
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(true),
        written => written.map(|()| false),
    }
}

/// Things that are done together.
pub(crate) struct Together {
    printer: Printer,
    subject: String,
}

impl Drop for Together {
    fn drop(&mut self) {
        self.printer.tell(Event::new(None, self.subject.as_str(), What::Over));
    }
}

/// What a timeline is made of, and what durations are learned from.
fn is_recorded(event: &Event) -> bool {
    matches!(event.what, What::Resource { .. } | What::InWork | What::Reached { .. })
}
