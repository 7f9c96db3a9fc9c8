//! The reader of events that writes one line each to stderr.

use std::io::Write as _;

use super::event::Event;

pub(super) struct Lines;

impl Lines {
    /// One line with the UTC time, and what it is about.
    pub(super) fn event(&mut self, event: &Event) {
        let time = event.time.strftime("%H:%M:%S");
        self.line(&format!("{time} {:<28} {}", event.subject, event.what));
    }

    pub(super) fn line(&mut self, text: &str) {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}
