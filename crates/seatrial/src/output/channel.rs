//! The way from those who tell to those who show: events and plain lines, in the order in which they were told.
//!
//! A thread of its own reads, so that a slow terminal holds up nobody who follows AWS.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use jiff::Timestamp;

use super::event::Event;
use super::lines::Lines;
use super::room::Left;
use super::screen::Screen;

/// How long whoever needs an empty channel waits for it: a terminal that was stopped stays stopped.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a live screen looks at the clock.
const TICK: Duration = Duration::from_secs(1);

pub(super) enum Message {
    Event(Event),
    /// A plain line.
    Line(String),
    /// What somebody is going to be asked for: it stays whole.
    Asked(String),
    /// What is going to be done, and nobody is asked for.
    Planned(String),
    /// Answered when everything before it was shown.
    Flush(SyncSender<()>),
    /// Answered when it stands there.
    Question(String, SyncSender<io::Result<()>>),
    /// The question has its answer, by a line that was `typed`, or will have none.
    Answered {
        typed: bool,
    },
    /// Nothing is live any more. Answered with what is left on the screen so far, where there is one that leaves little.
    End(SyncSender<Option<Left>>),
}

/// The telling end; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    sender: Sender<Message>,
    /// A screen shows it, and leaves little of it.
    pub is_brief: bool,
}

impl Channel {
    /// `verbose`: each line that is told stays.
    pub(super) fn open(verbose: bool) -> Self {
        let (sender, receiver) = channel();
        let screen = Screen::at_terminal(verbose);
        let is_brief = screen.is_some() && !verbose;
        std::thread::spawn(move || match screen {
            Some(screen) => show_live(&receiver, screen),
            None => show_lines(&receiver),
        });
        Self { sender, is_brief }
    }

    pub(super) fn send(&self, message: Message) {
        // A reader that is gone leaves nobody to tell.
        let _ = self.sender.send(message);
    }

    /// Takes from the screen what is live, and answers what is left there, where little is.
    pub(super) fn end(&self) -> Option<Left> {
        let (done, shown) = sync_channel(1);
        self.send(Message::End(done));
        shown.recv_timeout(PATIENCE).ok().flatten()
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
            Ok(Message::Asked(text)) => screen.asked(&text, now),
            Ok(Message::Planned(text)) => screen.planned(&text, now),
            Ok(Message::Flush(done)) => {
                screen.release(now);
                let _ = done.send(());
            }
            Ok(Message::Question(question, done)) => drop(done.send(screen.question(&question))),
            Ok(Message::Answered { typed }) => screen.answered(typed, now),
            Ok(Message::End(done)) => drop(done.send(screen.end(now))),
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
            Message::Line(line) | Message::Asked(line) | Message::Planned(line) => lines.line(&line),
            Message::Flush(done) => drop(done.send(())),
            Message::Question(question, done) => drop(done.send(lines.question(&question))),
            Message::Answered { .. } => {}
            Message::End(done) => drop(done.send(None)),
        }
    }
}
