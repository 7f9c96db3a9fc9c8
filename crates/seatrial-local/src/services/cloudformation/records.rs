//! The records of CloudFormation: stacks, their resources, events, change sets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::evaluate::{Output, Parameter};
use super::status::Status;
use crate::clock::Epoch;
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
    /// What the operation in flight imports: primary identifiers by logical ID.
    #[serde(default)]
    pub imports: BTreeMap<String, String>,
    /// What the validation before the operation in flight, else the last one, has found.
    #[serde(default)]
    pub faults: Vec<ValidationFault>,
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
    /// It existed before it was in the stack.
    #[serde(default)]
    pub imported: bool,
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
    /// It is of type IMPORT.
    #[serde(default)]
    pub imports_only: bool,
    /// What its execution imports: primary identifiers by logical ID.
    #[serde(default)]
    pub imports: BTreeMap<String, String>,
    #[serde(default)]
    pub import_existing: bool,
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

/// Something that the validation before deployment found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ValidationFault {
    pub logical_id: String,
    pub resource_type: String,
    pub text: String,
    /// `PROPERTY_VALIDATION`, `NAME_CONFLICT_VALIDATION`, …
    #[serde(default)]
    pub name: String,
    /// Where in the template.
    #[serde(default)]
    pub path: String,
    /// It does not fail the operation.
    #[serde(default)]
    pub warns: bool,
}

/// Why an operation ends that the validation before deployment has failed; the findings are events of their
/// own (as was seen of an account's `cdk deploy`).
pub(super) const INVALID: &str = "Validation failure detected. See the operation's FAILED event for details.";

impl ChangeSet {
    /// Whether it was executed. It can still be described, but its name is free again, and it is listed no more:
    /// `ListChangeSets` gives "each active change set".
    pub(super) fn is_executed(&self) -> bool {
        self.execution_status.starts_with("EXECUTE_")
    }
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
    /// Whether its operation must end before anything is made.
    pub(super) fn is_invalid(&self) -> bool {
        self.faults.iter().any(|fault| !fault.warns)
    }

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
