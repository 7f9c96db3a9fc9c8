//! The way from those who tell to those who show: events and plain lines, in the order in which they were told.
//!
//! A thread of its own reads, so that a slow terminal holds up nobody who follows AWS.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use super::event::Event;
use super::lines::Lines;

/// How long whoever needs an empty channel waits for it: a terminal that was stopped stays stopped.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) enum Message {
    Event(Event),
    /// A plain line.
    Line(String),
    /// Answered when everything before it was shown.
    Flush(SyncSender<()>),
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
}

fn show(messages: &Receiver<Message>) {
    let mut lines = Lines::new();
    while let Ok(message) = messages.recv() {
        match message {
            Message::Event(event) => lines.event(&event),
            Message::Line(line) => lines.line(&line),
            Message::Flush(done) => drop(done.send(())),
        }
    }
}
