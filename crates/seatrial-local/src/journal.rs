//! Each call that went through the door: who, what, on what, and how it ended; and which permissions were asked for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::access::{Check, Statement};
use crate::clock::Epoch;
use crate::principal::Principal;

/// Older entries than this many are forgotten.
const CAPACITY: usize = 50_000;

/// So many uses are kept apart; one more is not kept, and said so.
const USES: usize = 100_000;

/// One call.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub time: Epoch,
    pub principal: String,
    /// The service's signing name: `ecs`, `elasticloadbalancing`.
    pub service: &'static str,
    pub operation: &'static str,
    /// The ARN the operation acts on, or `*`.
    pub resource: String,
    pub allowed: bool,
    /// The check that was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<Check>,
    /// AWS's error code, where the call failed.
    pub error: Option<String>,
}

/// A permission that somebody's calls needed, as often as they did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The role's ARN of a session, else the user's, or a service's name.
    pub principal: String,
    /// The program that called, where it names itself: `seatrial-release`.
    pub program: Option<String>,
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// Condition keys with their values, beyond those that follow from who calls.
    pub context: BTreeMap<String, Vec<String>>,
    /// One operation that needed it: `ecs:RunTask`.
    pub operation: String,
    pub allowed: u64,
    pub denied: u64,
    /// The statement that decided last.
    pub statement: Option<Statement>,
}

type Key = (String, Option<String>, String, String, BTreeMap<String, Vec<String>>);

/// The journal of one local cloud, kept in memory.
#[derive(Default)]
pub struct Journal {
    entries: Mutex<VecDeque<Entry>>,
    uses: Mutex<BTreeMap<Key, Use>>,
}

impl Journal {
    pub(crate) fn record(&self, entry: Entry) {
        let mut entries = lock(&self.entries);
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// Counts what a call of `operation` needed.
    pub(crate) fn count(&self, principal: &Principal, operation: (&str, &str), checks: &[Check]) {
        let who = principal.role_arn.as_ref().unwrap_or(&principal.arn);
        let mut uses = lock(&self.uses);
        for check in checks {
            let Check { action, resource, context, .. } = check.clone();
            let program = principal.program.clone();
            let key = (who.clone(), program.clone(), action.clone(), resource.clone(), context.clone());
            if uses.len() == USES && !uses.contains_key(&key) {
                tracing::warn!(principal = who, action, "a permission was not counted: there are too many");
                continue;
            }
            let counted = uses.entry(key).or_insert_with(|| Use {
                principal: who.clone(),
                program,
                action,
                resource,
                context,
                operation: format!("{}:{}", operation.0, operation.1),
                allowed: 0,
                denied: 0,
                statement: None,
            });
            counted.allowed += u64::from(check.allowed);
            counted.denied += u64::from(!check.allowed);
            counted.statement.clone_from(&check.statement);
        }
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.entries).iter().cloned().collect()
    }

    /// All permissions that were asked for, by principal, action and resource.
    pub fn uses(&self) -> Vec<Use> {
        lock(&self.uses).values().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
