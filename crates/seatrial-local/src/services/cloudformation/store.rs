//! The records of CloudFormation: stacks, their resources, events, change sets, templates.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::evaluate::{Output, Parameter};
use super::resources::{Handler, ResourceTypes, is_record, record_handler};
use super::status::Status;
use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::persist::{PersistError, Table};
use crate::principal::Principal;
use crate::tags::Tag;

/// A stack, deleted ones included. Kept by its ID (ARN).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stack {
    pub id: String,
    pub name: String,
    pub status: Status,
    pub reason: Option<String>,
    pub created: Epoch,
    pub updated: Option<Epoch>,
    pub deleted: Option<Epoch>,
    /// What it is, or is becoming.
    pub current: Revision,
    /// What it goes back to if the update in flight fails.
    pub previous: Option<Revision>,
    pub outputs: Vec<Output>,
    pub options: StackOptions,
    pub termination_protection: bool,
    /// The text of its stack policy.
    #[serde(default)]
    pub policy: Option<String>,
    /// What stands in for it during the update in flight.
    #[serde(default)]
    pub policy_during_update: Option<String>,
    /// The resources whose rollback failed: only they may be skipped.
    #[serde(default)]
    pub rollback_failures: Vec<String>,
    pub change_set_id: Option<String>,
    /// Who asked for the operation in flight: handlers call with these rights.
    pub principal: Principal,
    /// The operation in flight, else the last one.
    pub operation: OperationEntry,
    /// Logical IDs that the deletion in flight keeps.
    pub retained: Vec<String>,
    pub force_delete: bool,
    /// Physical resources that an update replaced, to be deleted once it has succeeded; new ones, once it has
    /// been rolled back.
    pub leftovers: Vec<Resource>,
    /// Its drift status and when it was last looked at.
    #[serde(default)]
    pub drift: Option<(String, Epoch)>,
}

/// What of a stack an update changes at once, and a rollback puts back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Revision {
    /// Key of the template's text.
    pub template: String,
    pub description: Option<String>,
    pub parameters: Vec<Parameter>,
    pub tags: Vec<Tag>,
    pub capabilities: Vec<String>,
    pub notification_arns: Vec<String>,
}

/// What a failed creation or update does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum OnFailure {
    #[default]
    Rollback,
    Delete,
    DoNothing,
}

impl OnFailure {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rollback => "ROLLBACK",
            Self::Delete => "DELETE",
            Self::DoNothing => "DO_NOTHING",
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct StackOptions {
    pub on_failure: OnFailure,
    pub retain_except_on_create: bool,
    /// The update in flight compares with what is really there (`DeploymentMode: REVERT_DRIFT`).
    #[serde(default)]
    pub revert_drift: bool,
    pub role_arn: Option<String>,
    pub timeout_minutes: Option<i64>,
}

/// An operation on a stack, as `LastOperations` shows it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct OperationEntry {
    pub id: String,
    /// `CREATE_STACK`, `UPDATE_STACK`, …
    pub kind: String,
    pub client_token: Option<String>,
}

/// One resource of a stack. Kept by `STACK_ID/LOGICAL_ID`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Resource {
    pub logical_id: String,
    pub resource_type: String,
    pub physical_id: Option<String>,
    pub status: Status,
    pub reason: Option<String>,
    pub time: Epoch,
    /// Evaluated, dynamic references left as they are: a secret is never stored here.
    pub properties: Value,
    pub attributes: Map<String, Value>,
    pub token: String,
    pub depends_on: Vec<String>,
    pub deletion_policy: Option<String>,
    pub update_replace_policy: Option<String>,
    pub metadata: Value,
    /// Where an update was to restore what was really there: all that it is put back to.
    #[serde(default)]
    pub actual: Option<Value>,
    /// What the last detection found, since the resource was last touched.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// What the update in flight did to it.
    pub undo: Option<Undo>,
}

/// What a drift detection found of a resource that can be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Drift {
    /// `IN_SYNC`, `MODIFIED` or `DELETED`.
    pub status: String,
    pub time: Epoch,
    /// What was compared: what the template names and the service tells.
    pub expected: Value,
    pub actual: Option<Value>,
}

/// A drift detection of a stack. Kept by its ID.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DriftDetection {
    pub id: String,
    pub stack_id: String,
    pub time: Epoch,
    /// Why it failed.
    pub reason: Option<String>,
    pub stack_drift_status: String,
    pub drifted: usize,
}

/// How to put a resource back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Undo {
    /// It is new.
    Added,
    /// It was changed in place; as it was before.
    Changed(Box<Resource>),
    /// It was replaced; what it was before still exists.
    Replaced(Box<Resource>),
}

/// An event of a stack. Kept by `STACK_ID/NUMBER`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    pub id: String,
    pub stack_id: String,
    pub stack_name: String,
    pub operation: OperationEntry,
    pub logical_id: String,
    pub physical_id: String,
    pub resource_type: String,
    pub time: Epoch,
    pub status: Status,
    pub reason: Option<String>,
    pub properties: Option<String>,
}

/// A change set. Kept by its ID (ARN).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ChangeSet {
    pub id: String,
    pub name: String,
    pub stack_id: String,
    pub stack_name: String,
    pub creates: bool,
    pub description: Option<String>,
    pub created: Epoch,
    pub status: String,
    pub reason: Option<String>,
    pub execution_status: String,
    pub revision: Revision,
    pub options: StackOptions,
    pub on_stack_failure: Option<OnFailure>,
    pub client_token: Option<String>,
    pub operation_id: String,
    /// As `DescribeChangeSet` answers them.
    pub changes: Vec<Value>,
    /// As it answers them with `IncludePropertyValues`.
    #[serde(default)]
    pub changes_with_values: Vec<Value>,
    /// What was found where the change set is drift-aware: `DRIFTED` or `IN_SYNC`.
    #[serde(default)]
    pub drift_status: Option<String>,
    /// What the validation before deployment found.
    pub faults: Vec<ValidationFault>,
}

/// A property that the validation before deployment refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ValidationFault {
    pub logical_id: String,
    pub resource_type: String,
    pub text: String,
}

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
        self.types.get(resource_type).or_else(|| record_handler(resource_type))
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

impl ChangeSet {
    /// Whether it was executed. It can still be described, but its name is free again, and it is listed no more:
    /// `ListChangeSets` gives "each active change set".
    pub(super) fn is_executed(&self) -> bool {
        self.execution_status.starts_with("EXECUTE_")
    }
}

pub(super) fn resource_key(stack_id: &str, logical_id: &str) -> String {
    format!("{stack_id}/{logical_id}")
}

/// The drift of a stack or a resource as it is described, under `name`.
fn drift_information(name: &str, drift: Option<(&str, Epoch)>) -> Value {
    let mut information = Map::new();
    let status = drift.map_or("NOT_CHECKED", |(status, _)| status);
    information.insert(name.to_owned(), status.into());
    information.extend(drift.map(|(_, time)| ("LastCheckTimestamp".to_owned(), time.0.into())));
    Value::Object(information)
}

impl Stack {
    pub(super) fn drift_information(&self) -> Value {
        let drift = self.drift.as_ref().map(|(status, time)| (status.as_str(), *time));
        drift_information("StackDriftStatus", drift)
    }
}

impl Resource {
    pub(super) fn drift_information(&self) -> Value {
        let drift = self.drift.as_ref().map(|drift| (drift.status.as_str(), drift.time));
        drift_information("StackResourceDriftStatus", drift)
    }

    /// What `Fn::GetAtt` answers: an attribute the handler told, else a property.
    pub(super) fn attribute(&self, name: &str) -> Option<Value> {
        let told = self.attributes.get(name).cloned();
        told.or_else(|| self.properties.pointer(&format!("/{}", name.replace('.', "/"))).cloned())
    }

    /// Whether the physical resource is gone, or was never made.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.status, Status::DeleteComplete | Status::DeleteSkipped)
    }
}
