//! The newest lines of all streams, for whoever looks at all of them at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use super::store::{Event, LogStore, Stream, lock};
use crate::cloud::Cloud;

/// So many of each group are kept: an application that writes a line a request does not push out what its build wrote.
const MOST: usize = 3_000;
/// After a start those of the newest streams: so many streams, and so many lines of each.
const STREAMS: usize = 12;
const LINES: usize = 300;

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
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    by_group: BTreeMap<String, VecDeque<Recent>>,
    next: u64,
    /// What was there before this process began was read.
    is_read: bool,
}

impl Lines {
    fn add(&mut self, stream: &Stream, event: &Event) {
        let kept = self.by_group.entry(stream.group.clone()).or_default();
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(Recent {
            number: self.next,
            time: event.timestamp,
            group: stream.group.clone(),
            stream: stream.name.clone(),
            text: event.message.clone(),
        });
        self.next += 1;
    }
}

impl LogStore {
    /// Notes what is about to be appended to a stream.
    pub(super) fn note(&self, stream: &Stream, events: &[Event]) {
        self.read_newest();
        let mut lines = lock(&self.newest.lines);
        events.iter().for_each(|event| lines.add(stream, event));
    }

    fn read_newest(&self) {
        let mut lines = lock(&self.newest.lines);
        if std::mem::replace(&mut lines.is_read, true) {
            return;
        }
        let mut streams = self.streams.values();
        streams.sort_by_key(|stream| std::cmp::Reverse(stream.created));
        streams.truncate(STREAMS);
        let mut found = Vec::new();
        for stream in &streams {
            let Ok(events) = self.events(stream) else { continue };
            let events = lock(&events);
            let from = events.list.len().saturating_sub(LINES);
            found.extend(events.list.iter().skip(from).map(|event| (stream, event.clone())));
        }
        found.sort_by_key(|(_, event)| event.timestamp);
        found.iter().for_each(|(stream, event)| lines.add(stream, event));
    }
}

/// The newest lines of all streams from number `from` on.
pub(crate) fn recent(cloud: &Cloud, from: u64) -> Vec<Recent> {
    let store = cloud.part::<LogStore>();
    store.read_newest();
    let lines = lock(&store.newest.lines);
    let of_groups = lines.by_group.values().flatten();
    let mut found: Vec<Recent> = of_groups.filter(|line| line.number >= from).cloned().collect();
    found.sort_by_key(|line| line.number);
    found
}
