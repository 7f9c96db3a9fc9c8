//! Durable tables: each mutation is appended to one log before it is answered.
//!
//! The log is a file of JSON lines `{"t": table, "k": key, "v": value}` (no `v`: removed). A write survives
//! `kill -9` of the process but not the loss of power: nothing is synced to disk. A torn last line, left by
//! a kill in the middle of a write, is cut off at the next start, when the log is also made compact.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::watch;

/// A record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    #[error("failed to write the local cloud's log `{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
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
    path: PathBuf,
    file: Mutex<File>,
    loaded: Mutex<Loaded>,
    version: watch::Sender<u64>,
}

impl Database {
    /// Opens or makes the log `path`, cutting a torn last line and dropping what was overwritten.
    pub fn open(path: &Path) -> Result<Arc<Self>, PersistError> {
        let failed = |source| PersistError::Io { path: path.to_owned(), source };
        let loaded = read_log(path).map_err(failed)?;
        let compact = path.with_extension("new");
        write_log(&compact, &loaded).map_err(failed)?;
        std::fs::rename(&compact, path).map_err(failed)?;
        let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        Ok(Arc::new(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
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

    fn append(&self, table: &'static str, key: &str, value: Option<Value>) -> Result<(), PersistError> {
        let line = Line { t: table.to_owned(), k: key.to_owned(), v: value };
        let mut text = serde_json::to_vec(&line).map_err(|source| PersistError::Encode { table, source })?;
        text.push(b'\n');
        let failed = |source| PersistError::Io { path: self.path.clone(), source };
        lock(&self.file).write_all(&text).map_err(failed)
    }

    fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }
}

fn read_log(path: &Path) -> std::io::Result<Loaded> {
    let mut loaded = Loaded::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(loaded),
        Err(error) => return Err(error),
    };
    for line in BufReader::new(file).split(b'\n') {
        let Ok(Line { t, k, v }) = serde_json::from_slice(&line?) else { continue };
        let rows = loaded.entry(t).or_default();
        match v {
            Some(value) => rows.insert(k, value),
            None => rows.remove(&k),
        };
    }
    Ok(loaded)
}

fn write_log(path: &Path, loaded: &Loaded) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for (table, rows) in loaded {
        for (key, value) in rows {
            let line = Line { t: table.clone(), k: key.clone(), v: Some(value.clone()) };
            serde_json::to_writer(&mut file, &line)?;
            file.write_all(b"\n")?;
        }
    }
    file.flush()
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
