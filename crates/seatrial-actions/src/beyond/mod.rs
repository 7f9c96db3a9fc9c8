//! What AWS checks beyond an operation's own name, and when: roles handed on, tags given, keys used.
//!
//! `rows.md` has the evidence, row by row. Where a condition is not documented the check is made, unless a managed
//! policy of AWS that is meant for the call lacks the action: then it cannot be checked, and the row says so.

mod containers;
mod delivery;
mod objects;
mod secrets;
mod servers;
mod stacks;

use serde_json::Value;

use crate::needed::Needed;
use crate::row::Row;

const TABLES: &[&[Row]] =
    &[delivery::ROWS, containers::ROWS, objects::ROWS, secrets::ROWS, servers::ROWS, stacks::ROWS];

pub(crate) fn of(service: &str, operation: &str, input: &Value) -> Vec<Needed> {
    let called = format!("{service}:{operation}");
    let found = rows().filter(|row| row.is_of(&called));
    found.flat_map(|row| row.needed(input)).collect()
}

/// All rows, for whoever asks what can be asked for.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}
