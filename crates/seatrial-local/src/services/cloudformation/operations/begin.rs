//! Beginning a stack operation: the transition is checked and made under the table's lock, so that of two
//! calls at once only one begins.

use std::collections::BTreeMap;

use super::super::engine::{Run, StackEngine};
use super::super::status::Status;
use super::super::store::{OperationEntry, Revision, Stack, StackOptions, Store};
use crate::clock::Epoch;
use crate::error::ServiceError;
use crate::operation::Call;

/// What begins.
pub(super) struct Beginning<'a> {
    pub stack_id: &'a str,
    pub status: Status,
    /// `UPDATE_STACK`, …
    pub kind: &'a str,
    pub client_token: Option<String>,
}

impl Beginning<'_> {
    /// Moves the stack into the operation's first state and starts the engine. `change` may refuse.
    pub(super) fn go(
        self,
        call: &Call,
        change: impl FnOnce(&mut Stack) -> Result<(), ServiceError>,
    ) -> Result<Stack, ServiceError> {
        let store = call.cloud.part::<Store>();
        let operation = OperationEntry {
            id: crate::id::uuid(),
            kind: self.kind.to_owned(),
            client_token: self.client_token,
        };
        let changed = store.stacks.try_update(self.stack_id, |stack| {
            stack.faults.clear();
            stack.imports.clear();
            change(stack)?;
            stack.status = self.status;
            stack.reason = Some("User Initiated".to_owned());
            stack.operation = operation;
            stack.principal = call.principal.clone();
            Ok::<_, ServiceError>(stack.clone())
        })?;
        let stack = changed.ok_or_else(|| ServiceError::internal("the stack's record is gone"))?;
        let run = Run::new(&call.cloud, &stack.id);
        run.stack_event(&stack, stack.status, stack.reason.clone())?;
        store.overtaken.notify_waiters();
        call.cloud.start::<StackEngine>(&stack.id);
        Ok(stack)
    }
}

/// The record of a stack that does not exist yet.
pub(super) fn new_stack(call: &Call, name: &str) -> Stack {
    let uuid = crate::id::uuid();
    Stack {
        id: call.cloud.arn("cloudformation", &format!("stack/{name}/{uuid}")),
        name: name.to_owned(),
        status: Status::ReviewInProgress,
        reason: Some("User Initiated".to_owned()),
        created: call.cloud.clock().now(),
        updated: None,
        deleted: None,
        current: no_revision(),
        previous: None,
        outputs: Vec::new(),
        options: StackOptions::default(),
        termination_protection: false,
        policy: None,
        policy_during_update: None,
        rollback_failures: Vec::new(),
        imports: BTreeMap::new(),
        faults: Vec::new(),
        change_set_id: None,
        principal: call.principal.clone(),
        operation: OperationEntry::default(),
        retained: Vec::new(),
        force_delete: false,
        leftovers: Vec::new(),
        drift: None,
    }
}

fn no_revision() -> Revision {
    Revision {
        template: String::new(),
        description: None,
        parameters: Vec::new(),
        tags: Vec::new(),
        capabilities: Vec::new(),
        notification_arns: Vec::new(),
    }
}

/// Takes up a new revision; what the stack goes back to is its last whole one.
pub(super) fn take_up(stack: &mut Stack, revision: Revision, now: Epoch) {
    let old = std::mem::replace(&mut stack.current, revision);
    if stack.previous.is_none() {
        stack.previous = Some(old);
    }
    stack.updated = Some(now);
}

/// Refuses an update in a state that has none.
pub(super) fn require_updatable(stack: &Stack) -> Result<(), ServiceError> {
    if stack.status.is_updatable() {
        return Ok(());
    }
    Err(ServiceError::validation(format!(
        "Stack:{} is in {} state and can not be updated.",
        stack.id, stack.status
    )))
}

/// A stack that failed with rollback disabled may be updated only so again (user guide, "Choose how to handle
/// failures when provisioning resources").
pub(super) fn require_rollback_stays_disabled(stack: &Stack, disabled: bool) -> Result<(), ServiceError> {
    if disabled || !matches!(stack.status, Status::CreateFailed | Status::UpdateFailed) {
        return Ok(());
    }
    Err(ServiceError::validation(format!(
        "This stack is currently in a non-terminal [{}] state. To update the stack from this state, please use \
         the disable-rollback parameter with update-stack API. To rollback to the last known good state, use \
         the rollback-stack API",
        stack.status
    )))
}

/// Refuses names CloudFormation has no stacks for.
pub(super) fn require_name(name: &str) -> Result<(), ServiceError> {
    let mut letters = name.chars();
    let fits = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        && name.len() <= 128;
    if fits {
        return Ok(());
    }
    Err(ServiceError::validation(format!(
        "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
    )))
}
