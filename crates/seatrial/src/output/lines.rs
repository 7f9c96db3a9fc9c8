//! The reader of events that writes one line each to stderr.

use std::io::{IsTerminal as _, Write as _};

use super::event::{Event, What};

pub(super) struct Lines {
    /// Somebody watches: then what is on its way is shown, too. A log keeps what ended.
    watched: bool,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { watched: std::io::stderr().is_terminal() }
    }

    /// One line with the UTC time, and what it is about.
    pub(super) fn event(&mut self, event: &Event) {
        if !self.watched && is_on_the_way(event) {
            return;
        }
        let time = event.time.strftime("%H:%M:%S");
        self.line(&format!("{time} {:<28} {}", event.subject, event.what));
    }

    pub(super) fn line(&mut self, text: &str) {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

fn is_on_the_way(event: &Event) -> bool {
    matches!(event.what, What::Resource { on_the_way: true, .. })
}
