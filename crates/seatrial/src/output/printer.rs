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
use super::room::{LEFT, Left, fitted, rows, untold_line};

/// What stdout carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One object.
    Json,
}

/// Lines of a plan that nobody is asked for.
const PLANNED: usize = 8;

/// How much of what is told stays on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Manner {
    /// Every line.
    #[default]
    Verbose,
    /// Little.
    Brief,
    /// Little, and all of the result: it is what was asked for.
    Document,
}

/// Hears what a program prints, line by line.
pub(crate) type Ear = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes results, events, warnings and errors. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Printer {
    format: Format,
    manner: Manner,
    started: Arc<Instant>,
    channel: Channel,
    record: Arc<Mutex<Vec<Event>>>,
    /// All that is told is recorded, for a report.
    records_all: Arc<AtomicBool>,
}

impl Printer {
    /// Every line that is told stays.
    pub(crate) fn new(format: Format) -> Self {
        Self::with(format, Manner::Verbose)
    }

    pub(crate) fn with(format: Format, manner: Manner) -> Self {
        Self {
            format,
            manner,
            started: Arc::new(Instant::now()),
            channel: Channel::open(manner == Manner::Verbose),
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

    /// The result, and below it on stderr what else is to be said in the end. On a terminal all that the command leaves
    /// takes at most 40 rows, unless every line is to stay.
    pub(crate) fn conclude<T: Serialize + Display>(&self, value: &T, notes: &[String]) -> anyhow::Result<()> {
        let left = self.channel.end();
        let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(columns, _)| columns.0.into());
        let cuts = self.manner == Manner::Brief && self.format == Format::Text;
        let result = width.filter(|_| cuts).map(|width| (value.to_string(), width));
        let fitted = Conclusion { left, result, notes: notes.join("\n") }.fitted();
        let printed = match fitted.result {
            Some((text, _)) => self.data(&[Told(text)]).map(drop),
            None => self.result(value),
        };
        if !fitted.notes.is_empty() {
            self.note(fitted.notes);
        }
        printed
    }

    /// Whoever is to hear what programs print, where a screen leaves little: they must not write on it themselves.
    /// `subject`: whose log it is.
    pub(crate) fn ear(&self, subject: &str) -> Option<Ear> {
        let (printer, subject) = (self.clone(), subject.to_owned());
        let hear = move |line: &str| {
            printer.tell(Event::new(None, subject.as_str(), What::BuildLog(line.to_owned())));
        };
        self.channel.is_brief.then(|| Arc::new(hear) as Ear)
    }

    /// Takes from the screen what is live: the program is left.
    pub(crate) fn end(&self) {
        let _ = self.channel.end();
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

    /// What is going to be done. All of it stays where somebody is `asked` for it; what nobody is asked for, a screen that
    /// leaves little tells in a few rows.
    pub(crate) fn plan(&self, plan: impl Display, asked: bool) {
        match self.channel.is_brief {
            true if asked => self.channel.send(Message::Asked(plan.to_string())),
            true => self.channel.send(Message::Planned(fitted(&plan.to_string(), PLANNED, usize::MAX))),
            false => self.note(plan),
        }
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

/// What a command says in the end.
struct Conclusion {
    /// What a screen that leaves little has left; none where stderr is no such screen.
    left: Option<Left>,
    /// The result, where it is bounded, and the columns of the terminal that it goes to.
    result: Option<(String, usize)>,
    notes: String,
}

impl Conclusion {
    /// The same in as many rows as there are.
    fn fitted(self) -> Self {
        let Self { left, result, mut notes } = self;
        if left.is_none() && result.is_none() {
            return Self { left, result, notes };
        }
        let Left { rows: used, untold, columns } = left.unwrap_or_default();
        let mut room = LEFT.saturating_sub(used + usize::from(untold > 0));
        let wanted = result.as_ref().map_or(0, |(text, width)| rows(text.trim_end(), *width));
        if left.is_some() {
            // What went wrong and what to type come first, but not alone.
            notes = fitted(&notes, room - wanted.min(room / 2), columns);
            room = room.saturating_sub(rows(&notes, columns));
        }
        let result = result.map(|(text, width)| (fitted(text.trim_end(), room, width), width));
        if untold > 0 {
            notes = format!("{}\n{notes}", untold_line(untold)).trim_end().to_owned();
        }
        Self { left, result, notes }
    }
}

/// A text that is printed as it is.
#[derive(Serialize)]
struct Told(String);

impl Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> String {
        (0..count).map(|line| format!("line {line}\n")).collect()
    }

    #[test]
    fn what_a_command_leaves_is_never_more_than_there_is_room_for() {
        for used in [0, 1, 24] {
            for untold in [0, 7] {
                for (result, noted) in [(0, 0), (3, 2), (100, 0), (0, 100), (100, 3), (100, 100)] {
                    let left = Some(Left { rows: used, untold, columns: 80 });
                    let result = Some((lines(result), 80));

                    let told = Conclusion { left, result, notes: lines(noted) }.fitted();

                    let shown = rows(&told.result.unwrap().0, 80) + rows(&told.notes, 80);
                    assert!(used + shown <= LEFT, "{used}, {untold}, {noted}: {shown}");
                    assert_eq!(told.notes.contains("7 more lines"), untold > 0);
                }
            }
        }
    }

    #[test]
    fn what_is_no_terminal_gets_all() {
        let told = Conclusion { left: None, result: None, notes: lines(100) }.fitted();

        assert_eq!(told.notes, lines(100));
    }
}
