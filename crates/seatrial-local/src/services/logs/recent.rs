//! Reading the newest lines of all streams, for whoever looks at all of them at once.

use super::newest::Recent;
use super::store::{Event, LogStore, Stream, lock};
use crate::cloud::Cloud;

/// After a start those of the newest streams: so many streams, and so many lines of each.
const STREAMS: usize = 12;
const LINES: usize = 300;

impl LogStore {
    /// Notes what is about to be appended to a stream.
    pub(super) fn note(&self, stream: &Stream, events: &[Event]) {
        self.read_newest();
        let mut lines = lock(&self.newest.lines);
        events.iter().for_each(|event| lines.add(place(stream), line(event)));
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
        found.iter().for_each(|(stream, event)| lines.add(place(stream), line(event)));
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

fn place(stream: &Stream) -> (&str, &str) {
    (&stream.group, &stream.name)
}

fn line(event: &Event) -> (i64, &str) {
    (event.timestamp, &event.message)
}
