//! Groups and streams as records, events as one file of JSON lines a stream.
//!
//! A stream's events are read from its file when they are used and kept in memory for a while: a build writes thousands of
//! lines, and a follower asks for the newest of them every few seconds. Those that were used last are kept; a stream that
//! is not costs a file on disk, and neither memory nor an open file.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::newest::Newest;
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::json_lines::{self, Appended};
use crate::persist::Table;

/// So many streams are kept in memory. Each task and each build has one, and most are never looked at again.
const KEPT: usize = 16;

/// Times are milliseconds since 1970, here and in all of this service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Group {
    pub name: String,
    pub created: i64,
    /// `None`: kept for ever.
    pub retention_in_days: Option<i64>,
    #[serde(default)]
    pub kms_key_id: Option<String>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stream {
    pub group: String,
    pub name: String,
    pub created: i64,
}

/// One line of a stream, with the short keys of its file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "t")]
    pub timestamp: i64,
    #[serde(rename = "i")]
    pub ingested: i64,
    #[serde(rename = "m")]
    pub message: String,
}

/// The events of one stream in the order of their arrival, which is what paging tokens count.
pub(super) struct Events {
    pub list: Vec<Event>,
    pub stored_bytes: i64,
    file: Option<Appended>,
    path: PathBuf,
    /// Of the file's whole lines when it was read, in bytes.
    length: u64,
}

impl Events {
    /// Appends to the file, then to memory. What the file does not take is in neither.
    pub fn append(&mut self, events: Vec<Event>) -> Result<(), ServiceError> {
        let mut lines = Vec::new();
        for event in &events {
            serde_json::to_writer(&mut lines, event).map_err(|error| self.failed("write", &error))?;
            lines.push(b'\n');
        }
        if self.file.is_none() {
            let opened = Appended::open(&self.path, self.length);
            self.file = Some(opened.map_err(|error| self.failed("open", &error))?);
        }
        let written = self.file.as_mut().map_or(Ok(()), |file| file.append(&lines));
        written.map_err(|error| self.failed("write", &error))?;
        self.stored_bytes += events.iter().map(Event::size).sum::<i64>();
        self.list.extend(events);
        Ok(())
    }

    fn read(path: PathBuf) -> Result<Self, ServiceError> {
        let mut list: Vec<Event> = Vec::new();
        let length = json_lines::read(&path, |event| list.push(event)).map_err(|error| {
            ServiceError::internal(format!("failed to read log file `{}`: {error}", path.display()))
        })?;
        let stored_bytes = list.iter().map(Event::size).sum();
        Ok(Self { list, stored_bytes, file: None, path, length })
    }

    /// Forgets what is older than `before` and answers how many events that were, and how many bytes; those that stay go on
    /// in their order.
    pub fn forget(&mut self, before: i64) -> Result<(usize, u64), ServiceError> {
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.list).into_iter().partition(|event| event.timestamp >= before);
        self.list = kept;
        if gone.is_empty() {
            return Ok((0, 0));
        }
        let mut lines = Vec::new();
        for event in &self.list {
            serde_json::to_writer(&mut lines, event).map_err(|error| self.failed("write", &error))?;
            lines.push(b'\n');
        }
        let new = self.path.with_extension("new");
        let replaced = Appended::create(&new).and_then(|mut file| {
            file.append(&lines)?;
            std::fs::rename(&new, &self.path).map(|()| file)
        });
        let file = replaced.inspect_err(|_| drop(std::fs::remove_file(&new)));
        self.file = Some(file.map_err(|error| self.failed("write", &error))?);
        let bytes: i64 = gone.iter().map(Event::size).sum();
        self.stored_bytes -= bytes;
        Ok((gone.len(), u64::try_from(bytes).unwrap_or_default()))
    }

    fn failed(&self, verb: &str, error: &dyn std::fmt::Display) -> ServiceError {
        ServiceError::internal(format!("failed to {verb} log file `{}`: {error}", self.path.display()))
    }
}

impl Event {
    /// As AWS counts: the message's bytes and 26 for each event.
    fn size(&self) -> i64 {
        i64::try_from(self.message.len()).unwrap_or(i64::MAX) + 26
    }
}

pub(super) struct LogStore {
    pub groups: Table<Group>,
    pub streams: Table<Stream>,
    events: Mutex<Kept>,
    folder: PathBuf,
    pub(super) newest: Newest,
}

/// The streams that were used last, by key, each with its turn.
#[derive(Default)]
struct Kept {
    streams: HashMap<String, (u64, Arc<Mutex<Events>>)>,
    turn: u64,
}

impl Kept {
    fn find(&mut self, key: &str) -> Option<Arc<Mutex<Events>>> {
        self.turn += 1;
        let (turn, events) = self.streams.get_mut(key)?;
        *turn = self.turn;
        Some(Arc::clone(events))
    }

    fn keep(&mut self, key: String, events: Arc<Mutex<Events>>) {
        while self.streams.len() >= KEPT {
            // One that somebody holds would be read from its file while it is written there.
            let free = self.streams.iter().filter(|(_, (_, events))| Arc::strong_count(events) == 1);
            let Some((oldest, _)) = free.min_by_key(|(_, (turn, _))| *turn) else { break };
            let oldest = oldest.clone();
            self.streams.remove(&oldest);
        }
        self.streams.insert(key, (self.turn, events));
    }
}

impl Part for LogStore {
    fn open(setup: &Setup) -> Self {
        Self {
            groups: setup.database.table("log-groups"),
            streams: setup.database.table("log-streams"),
            events: Mutex::default(),
            folder: setup.data_dir.join("logs"),
            newest: Newest::default(),
        }
    }
}

impl LogStore {
    pub fn group(&self, name: &str) -> Result<Group, ServiceError> {
        self.groups.get(name).ok_or_else(no_such_group)
    }

    pub fn stream(&self, group: &str, name: &str) -> Result<Stream, ServiceError> {
        if !self.groups.contains(group) {
            return Err(no_such_group());
        }
        self.streams.get(&stream_key(group, name)).ok_or_else(no_such_stream)
    }

    /// The streams of a group whose name starts with `prefix`, by name.
    pub fn streams_of(&self, group: &str, prefix: &str) -> Vec<Stream> {
        let rows = self.streams.with_prefix(&stream_key(group, prefix));
        rows.into_iter().map(|(_, stream)| stream).collect()
    }

    pub fn events(&self, stream: &Stream) -> Result<Arc<Mutex<Events>>, ServiceError> {
        let key = stream_key(&stream.group, &stream.name);
        let mut events = lock(&self.events);
        if let Some(found) = events.find(&key) {
            return Ok(found);
        }
        std::fs::create_dir_all(&self.folder).map_err(|error| {
            ServiceError::internal(format!("failed to make folder `{}`: {error}", self.folder.display()))
        })?;
        let read = Arc::new(Mutex::new(Events::read(self.file_of(&key))?));
        events.keep(key, Arc::clone(&read));
        Ok(read)
    }

    pub fn delete_stream(&self, stream: &Stream) -> Result<(), ServiceError> {
        let key = stream_key(&stream.group, &stream.name);
        self.streams.remove(&key)?;
        lock(&self.events).streams.remove(&key);
        // A file that was never written is no loss.
        let _ = std::fs::remove_file(self.file_of(&key));
        Ok(())
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of a stream's file.
    pub fn file_name(&self, stream: &Stream) -> Option<String> {
        let file = self.file_of(&stream_key(&stream.group, &stream.name));
        Some(file.file_name()?.to_string_lossy().into_owned())
    }

    /// Names hold slashes and may be longer than a file's name: the file is named by their digest.
    fn file_of(&self, key: &str) -> PathBuf {
        let digest = hex::encode(Sha256::digest(key.as_bytes()));
        self.folder.join(format!("{}.jsonl", digest.get(..32).unwrap_or(&digest)))
    }
}

/// No name holds a line feed, so no group's key is another's prefix.
pub(super) fn stream_key(group: &str, name: &str) -> String {
    format!("{group}\n{name}")
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_such_group() -> ServiceError {
    ServiceError::new("ResourceNotFoundException", "The specified log group does not exist.")
}

fn no_such_stream() -> ServiceError {
    ServiceError::new("ResourceNotFoundException", "The specified log stream does not exist.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str) -> Event {
        Event { timestamp: 1, ingested: 1, message: message.to_owned() }
    }

    fn messages(events: &Arc<Mutex<Events>>) -> Vec<String> {
        lock(events).list.iter().map(|event| event.message.clone()).collect()
    }

    #[test]
    fn streams_that_are_not_used_are_not_kept_open_and_lose_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = crate::tests::cloud_in(dir.path());
        let store = cloud.part::<LogStore>();
        let stream = |number: usize| Stream { group: "g".to_owned(), name: number.to_string(), created: 0 };
        let held = store.events(&stream(0)).unwrap();
        for round in ["one", "two"] {
            for number in 0..3 * KEPT {
                let events = store.events(&stream(number)).unwrap();
                lock(&events).append(vec![event(round)]).unwrap();
            }
        }

        assert!(lock(&store.events).streams.len() <= KEPT);
        for number in 0..3 * KEPT {
            assert_eq!(messages(&store.events(&stream(number)).unwrap()), ["one", "two"], "{number}");
        }
        // Who holds one sees what others write.
        assert_eq!(messages(&held), ["one", "two"]);
    }

    #[test]
    fn half_a_line_swallows_no_event_after_it_and_a_damaged_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events");
        let read = || Events::read(path.clone());
        read().unwrap().append(vec![event("one")]).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{}", &whole[..9])).unwrap();

        read().unwrap().append(vec![event("two")]).unwrap();

        let kept: Vec<_> = read().unwrap().list.into_iter().map(|event| event.message).collect();
        assert_eq!(kept, ["one", "two"]);
        std::fs::write(&path, format!("{}\n{whole}", &whole[..9])).unwrap();
        let refused = read().err().unwrap();
        assert!(refused.message.contains("line 1, column"), "{refused}");
    }
}
