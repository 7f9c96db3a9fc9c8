//! Where CloudFormation keeps its records.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

pub(super) use super::records::{
    ChangeSet, Drift, DriftDetection, Event, INVALID, OnFailure, OperationEntry, Resource, Revision, Stack,
    StackOptions, Undo, ValidationFault,
};
use super::resources::{Handler, ResourceTypes, is_record, record_handler};
use super::status::Status;
use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::persist::{PersistError, Table};

/// CloudFormation's part of the cloud.
pub(super) struct Store {
    pub stacks: Table<Stack>,
    pub resources: Table<Resource>,
    pub events: Table<Event>,
    pub change_sets: Table<ChangeSet>,
    pub drift_detections: Table<DriftDetection>,
    templates: Table<String>,
    types: ResourceTypes,
    next_event: AtomicU64,
    #[cfg(test)]
    pub things: super::tests::Things,
    /// When each stack's newest event was, where this process has added one.
    newest_event: Mutex<HashMap<String, Epoch>>,
    /// Held from the look for a name to its taking.
    naming: Mutex<()>,
    /// Notified when an operation from outside overtakes the one in flight.
    pub overtaken: Arc<Notify>,
}

impl Part for Store {
    fn open(setup: &Setup) -> Self {
        let events: Table<Event> = setup.database.table("cloudformation-events");
        let number = |key: &str| key.rsplit('/').next().and_then(|number| number.parse::<u64>().ok());
        let last = events.entries().iter().filter_map(|(key, _)| number(key)).max();
        Self {
            stacks: setup.database.table("cloudformation-stacks"),
            resources: setup.database.table("cloudformation-resources"),
            change_sets: setup.database.table("cloudformation-change-sets"),
            drift_detections: setup.database.table("cloudformation-drift-detections"),
            templates: setup.database.table("cloudformation-templates"),
            types: ResourceTypes::all(),
            next_event: AtomicU64::new(last.map_or(0, |last| last + 1)),
            newest_event: Mutex::default(),
            naming: Mutex::default(),
            #[cfg(test)]
            things: super::tests::Things::default(),
            overtaken: Arc::default(),
            events,
        }
    }
}

impl Store {
    /// The stack of this name that is not deleted, or any stack of this ID.
    pub(super) fn stack(&self, name_or_id: &str) -> Option<Stack> {
        if name_or_id.starts_with("arn:") {
            return self.stacks.get(name_or_id);
        }
        self.stacks.find(|stack| stack.name == name_or_id && stack.status != Status::DeleteComplete)
    }

    /// Keeps a new stack; where another call has made one of its name meanwhile, answers that one instead.
    pub(super) fn put_new(&self, stack: &Stack) -> Result<Option<Stack>, PersistError> {
        let _turn = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.stack(&stack.name) {
            return Ok(Some(found));
        }
        self.stacks.put(&stack.id, stack)?;
        Ok(None)
    }

    /// The handler of a resource type: of its service, or one that keeps a record.
    pub(super) fn handler(&self, resource_type: &str) -> Option<Handler> {
        handler(&self.types, resource_type)
    }

    /// Whether resources of this type are records, with nothing behind them.
    pub(super) fn is_record(&self, resource_type: &str) -> bool {
        self.types.get(resource_type).is_none() && is_record(resource_type)
    }

    /// Keeps a template's text and answers its key.
    pub(super) fn keep_template(&self, text: &str) -> Result<String, PersistError> {
        let key = crate::id::digits_of(text, 64);
        self.templates.insert_new(&key, &text.to_owned())?;
        Ok(key)
    }

    pub(super) fn template(&self, key: &str) -> Option<String> {
        self.templates.get(key)
    }

    /// The resources of a stack by logical ID.
    pub(super) fn resources_of(&self, stack_id: &str) -> BTreeMap<String, Resource> {
        let rows = self.resources.with_prefix(&format!("{stack_id}/"));
        rows.into_iter().map(|(_, resource)| (resource.logical_id.clone(), resource)).collect()
    }

    pub(super) fn put_resource(&self, stack_id: &str, resource: &Resource) -> Result<(), PersistError> {
        self.resources.put(&resource_key(stack_id, &resource.logical_id), resource)
    }

    /// The events of a stack, newest first.
    pub(super) fn events_of(&self, stack_id: &str) -> Vec<Event> {
        let rows = self.events.with_prefix(&format!("{stack_id}/"));
        rows.into_iter().rev().map(|(_, event)| event).collect()
    }

    /// The time of the stack's next event: now, but a millisecond after its newest one at the earliest, for
    /// clients see milliseconds and sort by them.
    pub(super) fn event_time(&self, stack_id: &str, now: Epoch) -> Epoch {
        let mut newest = self.newest_event.lock().unwrap_or_else(PoisonError::into_inner);
        let before = newest.get(stack_id).copied();
        let before = before.or_else(|| self.events_of(stack_id).first().map(|event| event.time));
        let time = before.map_or(now, |before| Epoch(now.0.max(before.0 + 0.001)));
        newest.insert(stack_id.to_owned(), time);
        time
    }

    pub(super) fn add_event(&self, event: &Event) -> Result<(), PersistError> {
        let number = self.next_event.fetch_add(1, Ordering::Relaxed);
        self.events.put(&format!("{}/{number:012}", event.stack_id), event)
    }

    /// The change sets of a stack, oldest first.
    pub(super) fn change_sets_of(&self, stack_id: &str) -> Vec<ChangeSet> {
        let mut sets = self.change_sets.values();
        sets.retain(|set| set.stack_id == stack_id);
        sets.sort_by(|a, b| a.created.0.total_cmp(&b.created.0));
        sets
    }

    /// Removes the change sets of a stack that were not executed, because it was deleted or `executed` was.
    /// Executed ones stay, described by their ARN, also after their stack.
    pub(super) fn forget_unexecuted(
        &self,
        stack_id: &str,
        executed: Option<&str>,
    ) -> Result<(), PersistError> {
        let kept = |set: &ChangeSet| {
            let ended = matches!(set.execution_status.as_str(), "EXECUTE_COMPLETE" | "EXECUTE_FAILED");
            ended || executed == Some(&set.id)
        };
        for set in self.change_sets_of(stack_id).iter().filter(|set| !kept(set)) {
            self.change_sets.remove(&set.id)?;
        }
        Ok(())
    }

    /// Change sets that were made before an operation without one are of no use after it.
    pub(super) fn outdate_change_sets(&self, stack_id: &str) -> Result<(), PersistError> {
        for set in self.change_sets_of(stack_id).iter().filter(|set| set.execution_status == "AVAILABLE") {
            self.change_sets.update(&set.id, |set| set.execution_status = "OBSOLETE".to_owned())?;
        }
        Ok(())
    }

    /// The exports of all stacks that are not deleted: name, value, stack.
    pub(super) fn exports(&self) -> Vec<(String, String, String)> {
        let stacks = self.stacks.values();
        let alive = stacks.into_iter().filter(|stack| stack.status != Status::DeleteComplete);
        alive
            .flat_map(|stack| {
                let id = stack.id;
                stack
                    .outputs
                    .into_iter()
                    .filter_map(move |output| Some((output.export_name?, output.output_value, id.clone())))
            })
            .collect()
    }
}

/// The handler of a resource type: of its service, or one that keeps a record.
pub(super) fn handler(types: &ResourceTypes, resource_type: &str) -> Option<Handler> {
    types.get(resource_type).or_else(|| record_handler(resource_type))
}

pub(super) fn resource_key(stack_id: &str, logical_id: &str) -> String {
    format!("{stack_id}/{logical_id}")
}
