//! The newest lines of all streams, kept in memory by group.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

/// So many of each group are kept: an application that writes a line a request does not push out what its build wrote.
const MOST: usize = 3_000;

/// A line, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Recent {
    /// Grows with each line.
    pub number: u64,
    /// Milliseconds since 1970.
    pub time: i64,
    pub group: String,
    pub stream: String,
    pub text: String,
}

/// The newest lines that were written, the oldest first.
#[derive(Default)]
pub(super) struct Newest {
    pub lines: Mutex<Lines>,
}

#[derive(Default)]
pub(super) struct Lines {
    pub by_group: BTreeMap<String, VecDeque<Recent>>,
    next: u64,
    /// What was there before this process began was read.
    pub is_read: bool,
}

impl Lines {
    /// `time` in milliseconds since 1970.
    pub fn add(&mut self, (group, stream): (&str, &str), (time, text): (i64, &str)) {
        let kept = self.by_group.entry(group.to_owned()).or_default();
        if kept.len() == MOST {
            kept.pop_front();
        }
        let (group, stream, text) = (group.to_owned(), stream.to_owned(), text.to_owned());
        kept.push_back(Recent { number: self.next, time, group, stream, text });
        self.next += 1;
    }
}
