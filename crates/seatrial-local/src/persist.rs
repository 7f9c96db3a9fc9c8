//! Durable tables: each mutation is appended to one log before it is answered.
//!
//! The log is a file of JSON lines `{"t": table, "k": key, "v": value}` (no `v`: removed). A write survives
//! `kill -9` of the process but not the loss of power: nothing is synced to disk. A torn last line, left by
//! a kill in the middle of a write, is cut off at the next start. A write that fails leaves the log as it was, and
//! nothing is written after it until the next start: what follows it may count on it.
//!
//! The log is made compact at each start, and while it is used, whenever it has grown to more than twice what it held
//! after the last time: beside it, from the lines that are there, while others are appended.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::watch;

use crate::json_lines::{self, Appended, ReadError};

/// What a log may grow by before it is worth while to make it compact, in bytes.
const SLACK: u64 = 8 << 20;

/// A record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    #[error("failed to write the local cloud's log `{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// A write failed before; `why` is what that one was told.
    #[error("the local cloud writes nothing until it is started again: {why}")]
    Closed { why: String },
    #[error("the local cloud's log `{path}` is damaged, and nothing of it was changed: {why}")]
    Damaged { path: PathBuf, why: String },
    #[error("failed to encode a record of table `{table}`: {source}")]
    Encode { table: &'static str, source: serde_json::Error },
}

#[derive(Serialize, Deserialize)]
struct Line {
    t: String,
    k: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v: Option<Value>,
}

type Loaded = HashMap<String, BTreeMap<String, Value>>;

/// The log and what it held at the start. One per local cloud.
pub(crate) struct Database {
    log: Arc<Mutex<Log>>,
    loaded: Mutex<Loaded>,
    version: watch::Sender<u64>,
}

struct Log {
    path: PathBuf,
    file: Appended,
    /// Its length when it was made compact, in bytes.
    compact: u64,
    /// It is being made compact.
    compacting: Option<std::thread::JoinHandle<()>>,
    /// Why nothing more is written.
    closed: Option<String>,
}

impl Database {
    /// Opens or makes the log `path`, cutting a torn last line and dropping what was overwritten.
    ///
    /// # Errors
    /// A line but the last that is no record: then nothing was changed.
    pub fn open(path: &Path) -> Result<Arc<Self>, PersistError> {
        let loaded = read_log(path)?;
        let failed = |source| PersistError::Io { path: path.to_owned(), source };
        let file = replace(path, &loaded).map_err(failed)?;
        let compact = file.length();
        let log = Log { path: path.to_owned(), file, compact, compacting: None, closed: None };
        Ok(Arc::new(Self {
            log: Arc::new(Mutex::new(log)),
            loaded: Mutex::new(loaded),
            version: watch::Sender::new(0),
        }))
    }

    /// The table `name`, with what the log held of it. Open each table once: its owner keeps it.
    pub fn table<T: DeserializeOwned>(self: &Arc<Self>, name: &'static str) -> Table<T> {
        let rows = lock(&self.loaded).remove(name).unwrap_or_default();
        let decode = |(key, value): (String, Value)| match serde_json::from_value(value) {
            Ok(row) => Some((key, row)),
            Err(error) => {
                tracing::error!(table = name, key, %error, "a record of another version was left aside");
                None
            }
        };
        let rows = rows.into_iter().filter_map(decode).collect();
        Table { name, rows: Arc::new(RwLock::new(rows)), database: Arc::clone(self) }
    }

    /// A number that grows with every mutation of any table: waits look again when it moves.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Writes nothing more: another process may open the log now.
    pub fn close(&self) {
        let compacting = {
            let mut log = lock(&self.log);
            log.closed.get_or_insert_with(|| "it was stopped".to_owned());
            log.compacting.take()
        };
        // It ends by itself, and finds the log closed.
        if compacting.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the log was not made compact");
        }
    }

    fn append(&self, table: &'static str, key: &str, value: Option<Value>) -> Result<(), PersistError> {
        let line = Line { t: table.to_owned(), k: key.to_owned(), v: value };
        let mut text = serde_json::to_vec(&line).map_err(|source| PersistError::Encode { table, source })?;
        text.push(b'\n');
        let mut log = lock(&self.log);
        if let Some(why) = log.closed.clone() {
            return Err(PersistError::Closed { why });
        }
        if let Err(source) = log.file.append(&text) {
            let failed = PersistError::Io { path: log.path.clone(), source };
            tracing::error!(error = %failed, "nothing more is written until the local cloud is started again");
            log.closed = Some(failed.to_string());
            return Err(failed);
        }
        if log.compacting.is_none() && log.file.length() > 2 * log.compact + SLACK {
            let shared = Arc::clone(&self.log);
            log.compacting = Some(std::thread::spawn(move || make_compact(&shared)));
        }
        Ok(())
    }

    fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }
}

fn read_log(path: &Path) -> Result<Loaded, PersistError> {
    let mut loaded = Loaded::new();
    let take = |Line { t, k, v }| {
        let rows = loaded.entry(t).or_default();
        match v {
            Some(value) => rows.insert(k, value),
            None => rows.remove(&k),
        };
    };
    match json_lines::read(path, take) {
        Ok(_) => Ok(loaded),
        Err(ReadError::Io(source)) => Err(PersistError::Io { path: path.to_owned(), source }),
        Err(why) => Err(PersistError::Damaged { path: path.to_owned(), why: why.to_string() }),
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Puts a log of these rows in the place of `path`.
fn replace(path: &Path, loaded: &Loaded) -> std::io::Result<Appended> {
    let new = beside(path);
    let replaced = write_log(&new, loaded).and_then(|file| std::fs::rename(&new, path).map(|()| file));
    replaced.inspect_err(|_| drop(std::fs::remove_file(&new)))
}

fn write_log(path: &Path, loaded: &Loaded) -> std::io::Result<Appended> {
    /// Written at once, in bytes.
    const BLOCK: usize = 1 << 20;
    let mut file = Appended::create(path)?;
    let mut lines = Vec::new();
    for (table, rows) in loaded {
        for (key, value) in rows {
            let line = Line { t: table.clone(), k: key.clone(), v: Some(value.clone()) };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
            if lines.len() > BLOCK {
                file.append(&lines)?;
                lines.clear();
            }
        }
    }
    file.append(&lines)?;
    Ok(file)
}

/// Writes what the log holds into a new one beside it, then what was appended meanwhile, and takes that one's place.
/// A failure leaves the log as it is, until it has grown as much again.
fn make_compact(log: &Mutex<Log>) {
    let (path, length) = {
        let log = lock(log);
        (log.path.clone(), log.file.length())
    };
    let new = beside(&path);
    let written = read_log(&path).map_err(std::io::Error::other).and_then(|held| write_log(&new, &held));
    let mut log = lock(log);
    let replaced = written.and_then(|mut file| {
        if log.closed.is_some() || !log.file.is_at(&path) {
            return Err(std::io::Error::other("the log is not this process's any more"));
        }
        let compact = file.length();
        // What was read of these already is only said twice.
        file.append(&tail(&path, length)?)?;
        std::fs::rename(&new, &path)?;
        tracing::debug!(before = log.file.length(), after = compact, "the log was made compact");
        (log.file, log.compact) = (file, compact);
        Ok(())
    });
    if let Err(error) = replaced {
        tracing::warn!(%error, "the log was not made compact");
        log.compact = log.file.length();
        let _ = std::fs::remove_file(&new);
    }
    log.compacting = None;
}

/// The bytes of a file behind its first `length`.
fn tail(path: &Path, length: u64) -> std::io::Result<Vec<u8>> {
    use std::io::{Read as _, Seek as _};
    let mut file = std::fs::File::open(path)?;
    file.seek(std::io::SeekFrom::Start(length))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Rows of one type by key, kept in memory in key order and written through to the log.
pub(crate) struct Table<T> {
    name: &'static str,
    rows: Arc<RwLock<BTreeMap<String, T>>>,
    database: Arc<Database>,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, rows: Arc::clone(&self.rows), database: Arc::clone(&self.database) }
    }
}

impl<T: Clone + Serialize> Table<T> {
    pub fn get(&self, key: &str) -> Option<T> {
        self.read().get(key).cloned()
    }

    pub fn contains(&self, key: &str) -> bool {
        self.read().contains_key(key)
    }

    /// All rows in key order.
    pub fn values(&self) -> Vec<T> {
        self.read().values().cloned().collect()
    }

    /// All keys and rows in key order.
    pub fn entries(&self) -> Vec<(String, T)> {
        self.read().iter().map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// The rows whose key starts with `prefix`, in key order.
    pub fn with_prefix(&self, prefix: &str) -> Vec<(String, T)> {
        let rows = self.read();
        let from = rows.range(prefix.to_owned()..);
        from.take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect()
    }

    /// The first row, in key order, that `matches`.
    pub fn find(&self, matches: impl Fn(&T) -> bool) -> Option<T> {
        self.read().values().find(|row| matches(row)).cloned()
    }

    pub fn put(&self, key: &str, row: &T) -> Result<(), PersistError> {
        let mut rows = self.write();
        self.log(key, Some(row))?;
        rows.insert(key.to_owned(), row.clone());
        drop(rows);
        self.database.changed();
        Ok(())
    }

    /// Puts the row unless there is one of that key already; whether it was put.
    pub fn insert_new(&self, key: &str, row: &T) -> Result<bool, PersistError> {
        let mut rows = self.write();
        if rows.contains_key(key) {
            return Ok(false);
        }
        self.log(key, Some(row))?;
        rows.insert(key.to_owned(), row.clone());
        drop(rows);
        self.database.changed();
        Ok(true)
    }

    /// Changes a row under the table's lock. `None`: there is no such row.
    pub fn update<R>(&self, key: &str, change: impl FnOnce(&mut T) -> R) -> Result<Option<R>, PersistError> {
        self.try_update(key, |row| Ok(change(row)))
    }

    /// As [`Table::update`], but a refused change leaves the row as it was.
    pub fn try_update<R, E: From<PersistError>>(
        &self,
        key: &str,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<Option<R>, E> {
        let mut rows = self.write();
        let Some(row) = rows.get(key) else { return Ok(None) };
        let mut changed = row.clone();
        let result = change(&mut changed)?;
        self.log(key, Some(&changed))?;
        rows.insert(key.to_owned(), changed);
        drop(rows);
        self.database.changed();
        Ok(Some(result))
    }

    /// As [`Table::update`], and adds the row that `change` answers, unless there is one of that key: nobody reads
    /// the changed row before the added one is there. A kill between the two lines of the log loses the second.
    pub fn update_and_add(
        &self,
        key: &str,
        change: impl FnOnce(&mut T) -> Option<(String, T)>,
    ) -> Result<(), PersistError> {
        let mut rows = self.write();
        let Some(row) = rows.get(key) else { return Ok(()) };
        let mut changed = row.clone();
        let added = change(&mut changed);
        self.log(key, Some(&changed))?;
        rows.insert(key.to_owned(), changed);
        if let Some((key, row)) = added.filter(|(key, _)| !rows.contains_key(key)) {
            self.log(&key, Some(&row))?;
            rows.insert(key, row);
        }
        drop(rows);
        self.database.changed();
        Ok(())
    }

    /// Removes a row and answers it; `None`: there was none.
    pub fn remove(&self, key: &str) -> Result<Option<T>, PersistError> {
        let mut rows = self.write();
        if !rows.contains_key(key) {
            return Ok(None);
        }
        self.log(key, None)?;
        let removed = rows.remove(key);
        drop(rows);
        self.database.changed();
        Ok(removed)
    }

    fn log(&self, key: &str, row: Option<&T>) -> Result<(), PersistError> {
        let value = row.map(serde_json::to_value).transpose();
        let value = value.map_err(|source| PersistError::Encode { table: self.name, source })?;
        self.database.append(self.name, key, value)
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, T>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, T>> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    #[test]
    fn acknowledged_writes_are_there_after_a_restart_and_a_torn_line_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.jsonl");
        let table = Database::open(&path).unwrap().table::<u32>("numbers");
        table.put("one", &1).unwrap();
        table.put("two", &2).unwrap();
        table.update("two", |row| *row = 22).unwrap();
        table.remove("one").unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"t":"numbers","k":"three","v":"#).unwrap();

        let table = Database::open(&path).unwrap().table::<u32>("numbers");

        assert_eq!(table.entries(), vec![("two".to_owned(), 22)]);
    }

    #[test]
    fn a_log_that_is_damaged_before_its_end_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.jsonl");
        let damaged = concat!(
            r#"{"t":"numbers","k":"one","v"{"t":"numbers","k":"two","v":2}"#,
            "\n",
            r#"{"t":"n","k":"a"}"#,
            "\n"
        );
        std::fs::write(&path, damaged).unwrap();

        let Err(refused) = Database::open(&path) else { panic!("it was opened") };

        assert!(refused.to_string().contains("line 1, column 29"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
        assert!(!beside(&path).exists());
    }

    #[test]
    fn a_full_disk_loses_no_acknowledged_write_and_closes_the_log() {
        if !crate::tests::has_short_files(
            "persist::tests::a_full_disk_loses_no_acknowledged_write_and_closes_the_log",
        ) {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.jsonl");
        let table = Database::open(&path).unwrap().table::<String>("texts");
        table.put("one", &"1".to_owned()).unwrap();
        let before = std::fs::read(&path).unwrap();

        let failed = table.put("two", &"2".repeat(crate::tests::SHORT_FILE)).unwrap_err();
        let refused = table.put("three", &"3".to_owned()).unwrap_err();

        assert!(matches!(failed, PersistError::Io { .. }), "{failed}");
        assert!(matches!(refused, PersistError::Closed { .. }), "{refused}");
        assert_eq!(crate::error::ServiceError::from(refused).status, 500);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(table.values(), ["1"]);
        // After a start it is written again.
        let table = Database::open(&path).unwrap().table::<String>("texts");
        table.put("three", &"3".to_owned()).unwrap();
        let table = Database::open(&path).unwrap().table::<String>("texts");
        assert_eq!(table.values(), ["1", "3"]);
    }

    #[test]
    fn a_log_is_made_compact_while_it_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.jsonl");
        let database = Database::open(&path).unwrap();
        let table = database.table::<String>("texts");
        table.put("kept", &"kept".to_owned()).unwrap();
        table.put("removed", &"removed".to_owned()).unwrap();
        table.remove("removed").unwrap();
        let long = "x".repeat(64 << 10);
        let rounds = 1000;
        for round in 0..rounds {
            table.put("long", &format!("{round}{long}")).unwrap();
        }
        database.close();

        let written = (long.len() * rounds) as u64;
        let length = std::fs::metadata(&path).unwrap().len();
        assert!(length < written * 3 / 4, "{length} bytes of {written}");
        assert!(table.put("late", &"late".to_owned()).is_err());
        let table = Database::open(&path).unwrap().table::<String>("texts");
        assert_eq!(table.values(), ["kept".to_owned(), format!("{}{long}", rounds - 1)]);
    }

    #[test]
    fn whoever_reads_the_changed_row_finds_the_added_one() {
        const ROUNDS: u32 = 300;
        let dir = tempfile::tempdir().unwrap();
        let table = Database::open(&dir.path().join("log")).unwrap().table::<u32>("numbers");
        table.put("last", &0).unwrap();
        let reader = std::thread::spawn({
            let table = table.clone();
            move || {
                let mut last = 0;
                while last < ROUNDS {
                    last = table.get("last").unwrap();
                    assert!(last == 0 || table.contains(&last.to_string()), "{last} is not there");
                }
            }
        });

        for round in 1..=ROUNDS {
            let change = |last: &mut u32| {
                *last = round;
                Some((round.to_string(), round))
            };
            table.update_and_add("last", change).unwrap();
        }

        reader.join().unwrap();
    }

    #[test]
    fn a_refused_change_leaves_the_row_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let table = Database::open(&dir.path().join("log")).unwrap().table::<u32>("numbers");
        table.put("one", &1).unwrap();

        let refused = table.try_update("one", |row| {
            *row = 9;
            Err::<(), _>(crate::error::ServiceError::new("Refused", "no"))
        });

        assert_eq!(refused.unwrap_err().code, "Refused");
        assert_eq!(table.get("one"), Some(1));
    }
}
