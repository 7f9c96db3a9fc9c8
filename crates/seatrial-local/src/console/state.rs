//! What a browser was told: every item as it is now, and the changes that led there, as far as they are kept.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use seatrial_page::document;
use serde_json::{Value, json};

use crate::id;

/// So many changes are kept for a browser that comes back.
const CHANGES: usize = 512;
/// And so many lines of each source for one that comes anew.
const LINES: usize = 3_000;

/// A number and the items that differ, as JSON.
pub(super) type Change = (u64, Arc<str>);

pub(super) struct State {
    /// Of this process: numbers of another one mean nothing.
    boot: String,
    items: HashMap<(String, String), Known>,
    /// The keys of lines by their source, the oldest first: only they are told once and not again.
    lines: BTreeMap<String, VecDeque<(String, String)>>,
    changes: VecDeque<Change>,
    number: u64,
    order: u64,
}

struct Known {
    /// Its place among all, by which a page keeps the oldest first.
    order: u64,
    value: Value,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            boot: id::upper(8).to_lowercase(),
            items: HashMap::new(),
            lines: BTreeMap::new(),
            changes: VecDeque::new(),
            number: 0,
            order: 0,
        }
    }

    /// Takes all items as they are now, `[kind, key, value]`, but lines, of which only new ones are given; answers the
    /// number of the newest change.
    pub(super) fn take(&mut self, items: impl Iterator<Item = Value>) -> u64 {
        let mut changed = Vec::new();
        let mut seen = HashSet::new();
        for told in items {
            let name = |at: usize| told[at].as_str().unwrap_or_default().to_owned();
            let key = (name(0), name(1));
            seen.insert(key.clone());
            match self.items.get_mut(&key) {
                Some(known) if known.value == told[2] => {}
                Some(known) => {
                    known.value = told[2].clone();
                    changed.push(told);
                }
                None => {
                    self.order += 1;
                    self.items.insert(key.clone(), Known { order: self.order, value: told[2].clone() });
                    if key.0 == "line" {
                        let source = told[2]["source"].as_str().unwrap_or_default().to_owned();
                        self.lines.entry(source).or_default().push_back(key);
                    }
                    changed.push(told);
                }
            }
        }
        let gone: Vec<_> =
            self.items.keys().filter(|key| key.0 != "line" && !seen.contains(*key)).cloned().collect();
        for key in gone {
            self.items.remove(&key);
            changed.push(json!([key.0, key.1, null]));
        }
        // A page forgets its oldest lines by itself.
        for keys in self.lines.values_mut() {
            let old = keys.len().saturating_sub(LINES);
            keys.drain(..old).for_each(|key| drop(self.items.remove(&key)));
        }
        if !changed.is_empty() {
            self.number += 1;
            if self.changes.len() == CHANGES {
                self.changes.pop_front();
            }
            self.changes.push_back((self.number, Value::Array(changed).to_string().into()));
        }
        self.number
    }

    /// The id of an event, by which a browser says what it has.
    pub(super) fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.boot)
    }

    /// The number in an id of this process.
    pub(super) fn number_of(&self, id: &str) -> Option<u64> {
        let number = id.strip_prefix(&self.boot)?.strip_prefix('-')?.parse().ok()?;
        (number <= self.number).then_some(number)
    }

    /// All items, and the number of the newest change among them.
    pub(super) fn snapshot(&self) -> (u64, Value) {
        let mut items: Vec<_> = self.items.iter().collect();
        items.sort_by_key(|(_, known)| known.order);
        let items = items.into_iter().map(|((kind, key), known)| json!([kind, key, known.value]));
        (self.number, document(&self.id(self.number), items))
    }

    /// What came after `number`; `None`: not all of it is kept.
    pub(super) fn since(&self, number: u64) -> Option<Vec<Change>> {
        let missed = usize::try_from(self.number.checked_sub(number)?).ok()?;
        let from = self.changes.len().checked_sub(missed)?;
        Some(self.changes.range(from..).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(key: &str, status: &str) -> Value {
        json!(["task", key, { "status": status }])
    }

    fn told(state: &State, since: u64) -> Vec<Value> {
        let changes = state.since(since).unwrap().into_iter();
        changes.map(|(_, text)| serde_json::from_str(&text).unwrap()).collect()
    }

    #[test]
    fn only_what_differs_is_told_and_what_is_gone_as_null() {
        let mut state = State::new();
        state.take([task("a", "PENDING"), task("b", "PENDING"), json!(["line", "1", "x"])].into_iter());
        let one = state.take([task("a", "RUNNING"), task("b", "PENDING")].into_iter());
        let two = state.take([task("a", "RUNNING")].into_iter());
        let three = state.take([task("a", "RUNNING")].into_iter());

        assert_eq!((one, two, three), (2, 3, 2 + 1));
        assert_eq!(told(&state, 1), [json!([task("a", "RUNNING")]), json!([["task", "b", null]])]);
        let (number, all) = state.snapshot();
        assert_eq!(number, 3);
        assert_eq!(all["items"], json!([task("a", "RUNNING"), ["line", "1", "x"]]));
        assert_eq!(state.number_of(all["id"].as_str().unwrap()), Some(3));
    }

    #[test]
    fn a_browser_that_missed_more_than_is_kept_or_another_process_begins_anew() {
        let mut state = State::new();
        for number in 0..CHANGES + 2 {
            state.take([task("a", &number.to_string())].into_iter());
        }

        assert!(state.since(1).is_none());
        assert_eq!(state.since(2).unwrap().len(), CHANGES);
        assert_eq!(state.number_of(&State::new().id(1)), None);
        assert_eq!(state.number_of(&state.id(u64::MAX)), None);
    }

    #[test]
    fn the_oldest_lines_go_first() {
        let mut state = State::new();
        for number in 0..LINES + 3 {
            state.take([json!(["line", number.to_string(), "x"])].into_iter());
        }

        let (_, all) = state.snapshot();
        let lines = all["items"].as_array().unwrap();
        assert_eq!((lines.len(), lines[0][1].as_str()), (LINES, Some("3")));
    }
}
