//! The way from those who tell to those who show: events and plain lines, in the order in which they were told.
//!
//! A thread of its own reads, so that a slow terminal holds up nobody who follows AWS.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use jiff::Timestamp;

use super::event::Event;
use super::lines::Lines;
use super::screen::Screen;

/// How long whoever needs an empty channel waits for it: a terminal that was stopped stays stopped.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a live screen looks at the clock.
const TICK: Duration = Duration::from_secs(1);

pub(super) enum Message {
    Event(Event),
    /// A plain line.
    Line(String),
    /// Answered when everything before it was shown.
    Flush(SyncSender<()>),
    /// Answered when it stands there.
    Question(String, SyncSender<io::Result<()>>),
    /// The question has its answer, by a line that was `typed`, or will have none.
    Answered {
        typed: bool,
    },
}

/// The telling end; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Channel(Sender<Message>);

impl Channel {
    pub(super) fn open() -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || show(&receiver));
        Self(sender)
    }

    pub(super) fn send(&self, message: Message) {
        // A reader that is gone leaves nobody to tell.
        let _ = self.0.send(message);
    }

    /// Waits until everything that was told is shown.
    pub(super) fn flush(&self) {
        let (done, shown) = sync_channel(1);
        self.send(Message::Flush(done));
        let _ = shown.recv_timeout(PATIENCE);
    }

    /// Shows a question behind everything that was told.
    pub(super) fn question(&self, question: &str) -> io::Result<()> {
        let (done, shown) = sync_channel(1);
        self.send(Message::Question(question.to_owned(), done));
        shown.recv_timeout(PATIENCE).unwrap_or(Ok(()))
    }
}

fn show(messages: &Receiver<Message>) {
    match Screen::at_terminal() {
        Some(screen) => show_live(messages, screen),
        None => show_lines(messages),
    }
}

fn show_live<W: io::Write>(messages: &Receiver<Message>, mut screen: Screen<W>) {
    loop {
        let message = match screen.is_live() {
            true => messages.recv_timeout(TICK),
            false => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let now = Timestamp::now();
        match message {
            Ok(Message::Event(event)) => screen.event(&event, now),
            Ok(Message::Line(line)) => screen.line(&line, now),
            Ok(Message::Flush(done)) => {
                screen.release(now);
                let _ = done.send(());
            }
            Ok(Message::Question(question, done)) => drop(done.send(screen.question(&question))),
            Ok(Message::Answered { typed }) => screen.answered(typed, now),
            Err(RecvTimeoutError::Timeout) => screen.tick(now),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn show_lines(messages: &Receiver<Message>) {
    let mut lines = Lines::new();
    while let Ok(message) = messages.recv() {
        match message {
            Message::Event(event) => lines.event(&event),
            Message::Line(line) => lines.line(&line),
            Message::Flush(done) => drop(done.send(())),
            Message::Question(question, done) => drop(done.send(lines.question(&question))),
            Message::Answered { .. } => {}
        }
    }
}
