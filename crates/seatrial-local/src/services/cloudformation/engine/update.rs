//! Update of a stack.

use std::sync::Arc;

use serde_json::Value;

use super::super::changes::{Difference, Wanted};
use super::super::drift::{Live, in_effect, seen};
use super::super::evaluate::Scope;
use super::super::policy::{Action, StackPolicy};
use super::super::schema::{self, Recreation};
use super::super::status::Status;
use super::super::store::{INVALID, OnFailure, Resource, Stack, Undo};
use super::super::template::ResourceDeclaration;
use super::create::{create, make};
use super::making::{failed_to, needs, recorded, update, validate};
use super::run::{Made, Run, handler_reason};
use super::settle::{Settled, settle};
use crate::error::ServiceError;

/// The phase `UPDATE_IN_PROGRESS`.
pub(super) async fn run(run: &Run) -> Result<(), ServiceError> {
    let stack = run.stack()?;
    if stack.is_invalid() {
        return fail(run, &stack, INVALID.to_owned());
    }
    if let Some(reason) = removals_denied(run, &stack)? {
        return fail(run, &stack, reason);
    }
    let asked = Asked {
        tags_changed: stack.previous.as_ref().is_some_and(|previous| previous.tags != stack.current.tags),
        revert_drift: stack.options.revert_drift,
    };
    let settle_one = |run: Run, scope: Arc<Scope>, id: String| async move {
        settle_resource(&run, &scope, &id, asked).await
    };
    let failed = |ids: &[String]| reason(run, ids);
    let outputs = match settle((run, &stack, Status::UpdateInProgress), settle_one, failed).await? {
        Settled::Overtaken => return Ok(()),
        Settled::Failed(reason) => return fail(run, &stack, reason),
        Settled::Done(outputs) => outputs,
    };
    let replaced =
        run.store.resources_of(run.stack_id()).into_values().filter_map(|resource| match resource.undo {
            Some(Undo::Replaced(old)) => Some(*old),
            _ => None,
        });
    let replaced: Vec<Resource> = replaced.collect();
    run.finish_phase(Status::UpdateCompleteCleanupInProgress, None, |stack| {
        stack.outputs = outputs;
        stack.leftovers.extend(replaced);
    })
}

/// The stack policy in force.
fn policy(stack: &Stack) -> Option<StackPolicy> {
    let text = stack.policy_during_update.as_ref().or(stack.policy.as_ref())?;
    // It was checked when it was set.
    StackPolicy::parse(text).ok()
}

/// Fails the resources that the template drops and the stack policy keeps, before anything else is done.
fn removals_denied(run: &Run, stack: &Stack) -> Result<Option<String>, ServiceError> {
    let (Some(policy), Ok(scope)) = (policy(stack), run.scope(stack, &stack.current)) else {
        return Ok(None);
    };
    let mut failed = Vec::new();
    for (id, mut resource) in run.store.resources_of(run.stack_id()) {
        if resource.is_gone() || scope.active_resource(&id).is_some() {
            continue;
        }
        if let Some(denial) = policy.denial(Action::Delete, &id, &resource.resource_type) {
            run.mark(&mut resource, Status::UpdateFailed, Some(denial))?;
            failed.push(id);
        }
    }
    Ok((!failed.is_empty()).then(|| failed_to("update", &failed)))
}

fn fail(run: &Run, stack: &Stack, reason: String) -> Result<(), ServiceError> {
    if stack.options.on_failure == OnFailure::DoNothing {
        return run.set_status(Status::UpdateFailed, Some(reason));
    }
    begin_rollback(run, Some(reason))
}

/// Enters `UPDATE_ROLLBACK_IN_PROGRESS`: from here on the stack is what it was before.
pub(in super::super) fn begin_rollback(run: &Run, reason: Option<String>) -> Result<(), ServiceError> {
    run.finish_phase(Status::UpdateRollbackInProgress, reason, |stack| {
        if let Some(previous) = stack.previous.take() {
            stack.current = previous;
        }
    })
}

fn reason(run: &Run, failed: &[String]) -> String {
    let of = |wanted: Status| -> Vec<String> {
        let is = |id: &&String| run.resource(id).is_some_and(|resource| resource.status == wanted);
        failed.iter().filter(is).cloned().collect()
    };
    let (created, updated) = (of(Status::CreateFailed), of(Status::UpdateFailed));
    let mut reason = String::new();
    if !created.is_empty() {
        reason.push_str(&failed_to("create", &created));
    }
    if !updated.is_empty() {
        reason.push_str(&failed_to("update", &updated));
    }
    reason
}

/// What the update is beside its template.
#[derive(Clone, Copy)]
struct Asked {
    tags_changed: bool,
    revert_drift: bool,
}

/// Brings one resource to what the template asks for; whether that succeeded.
async fn settle_resource(run: &Run, scope: &Scope, id: &str, asked: Asked) -> bool {
    let Some(declared) = scope.active_resource(id) else { return true };
    let record = run.resource(id).filter(|record| !record.is_gone());
    let Some(record) = record.filter(|record| !never_made(record)) else {
        return make(run, scope, id, Some(Undo::Added)).await;
    };
    let record = match abandon(run, record) {
        Ok(record) => record,
        Err(error) => return recorded(Err(error)),
    };
    let (base, interrupted) = base(&record);
    let live = match asked.revert_drift && !interrupted {
        true => really(run, &base).await,
        false => Ok(Live::Unreadable),
    };
    let mut next = record.clone();
    let outcome = match (live, wanted(run, scope, declared)) {
        // What was deleted behind CloudFormation's back is made again; a rollback leaves the new one.
        (Ok(Live::Gone), Ok(_)) => return make_again(run, scope, base).await,
        (Ok(live), Ok(wanted)) => {
            let (base, kept) = with_live(base, &wanted, live);
            let difference = Difference::of(&base, declared, &wanted, asked.tags_changed);
            let denial = (difference.reaches_resource() || difference.metadata)
                .then(|| denied(run, &base, difference.replaces()))
                .flatten();
            if let Some(denial) = denial {
                recorded(run.mark(&mut next, Status::UpdateFailed, Some(denial)));
                return false;
            }
            describe(&mut next, declared, scope);
            let failed = matches!(record.status, Status::UpdateFailed | Status::CreateFailed);
            let changed = difference.reaches_resource() || failed;
            next.metadata = wanted.metadata;
            next.properties = wanted.properties;
            if changed || asked.revert_drift {
                next.drift = None;
            }
            if !changed && !difference.metadata {
                return recorded(run.put(&next));
            }
            let step = Step { run, interrupted, changed, kept: &kept };
            match difference.replaces() {
                true => step.replace(&base, &mut next).await,
                false => step.change(&base, &mut next).await,
            }
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let reason = outcome.err().map(|error| handler_reason(&error, &next.token));
    let succeeded = reason.is_none();
    let status = if succeeded { Status::UpdateComplete } else { Status::UpdateFailed };
    recorded(run.mark(&mut next, status, reason)) && succeeded
}

/// Why the stack policy does not allow what is about to be done to a resource.
fn denied(run: &Run, resource: &Resource, replaces: bool) -> Option<String> {
    let policy = policy(&run.stack().ok()?)?;
    let action = if replaces { Action::Replace } else { Action::Modify };
    policy.denial(action, &resource.logical_id, &resource.resource_type)
}

async fn really(run: &Run, base: &Resource) -> Result<Live, ServiceError> {
    run.live(&run.stack()?, base).await
}

/// The resource as it is compared, and as it is put back if the update fails.
fn with_live(base: Resource, wanted: &Wanted, live: Live) -> (Resource, Resource) {
    let Live::There(actual) = live else { return (base.clone(), base) };
    let seen = seen(&base.resource_type, &base.properties, &wanted.properties, &actual);
    let kept = Resource { actual: Some(in_effect(&base.properties, &actual)), ..base.clone() };
    (Resource { properties: seen, ..base }, kept)
}

async fn make_again(run: &Run, scope: &Scope, mut gone: Resource) -> bool {
    gone.status = Status::DeleteComplete;
    recorded(run.put(&gone)) && make(run, scope, &gone.logical_id, None).await
}

/// A replacement that failed in an earlier update is given up: its predecessor is the resource again.
fn abandon(run: &Run, record: Resource) -> Result<Resource, ServiceError> {
    match &record.undo {
        Some(Undo::Replaced(old)) if record.status == Status::UpdateFailed => {
            let old = (**old).clone();
            set_aside(run, record)?;
            run.put(&old)?;
            Ok(old)
        }
        _ => Ok(record),
    }
}

/// Hands a replacement that is not wanted over to the clean-up.
pub(super) fn set_aside(run: &Run, mut replacement: Resource) -> Result<(), ServiceError> {
    if replacement.physical_id.is_none() {
        return Ok(());
    }
    replacement.undo = None;
    // It is deleted whatever the policy says: only its predecessor was ever in use.
    replacement.update_replace_policy = None;
    run.update_stack(|stack| {
        stack.leftovers.retain(|left| left.token != replacement.token);
        stack.leftovers.push(replacement);
    })?;
    Ok(())
}

/// What the resource is taken to be before this step, and whether the step was cut off when the process ended.
/// Where a change did not come to its end, that is what it was before.
fn base(record: &Resource) -> (Resource, bool) {
    let interrupted = record.status == Status::UpdateInProgress;
    match &record.undo {
        Some(Undo::Changed(old) | Undo::Replaced(old))
            if interrupted || record.status == Status::UpdateFailed =>
        {
            ((**old).clone(), interrupted)
        }
        _ => (record.clone(), false),
    }
}

/// How to put back a resource that is about to be changed. An earlier update that failed and was left so is
/// put back too: to where that one began. Second: a physical resource that is then in nobody's record.
fn undo(base: &Resource, earlier: Option<Undo>, replaced: bool) -> (Undo, Option<Resource>) {
    let superseded = |old: &Resource| (replaced && old.physical_id != base.physical_id).then(|| base.clone());
    match earlier {
        None if replaced => (Undo::Replaced(Box::new(base.clone())), None),
        None => (Undo::Changed(Box::new(base.clone())), None),
        Some(Undo::Added) => (Undo::Added, replaced.then(|| base.clone())),
        Some(Undo::Changed(old)) if replaced => (Undo::Replaced(old), None),
        Some(Undo::Changed(old)) => (Undo::Changed(old), None),
        Some(Undo::Replaced(old)) => {
            let left = superseded(&old);
            (Undo::Replaced(old), left)
        }
    }
}

/// Whether there is nothing to update: an earlier operation failed to make it, or this one is about to.
fn never_made(record: &Resource) -> bool {
    let making = matches!(record.status, Status::CreateInProgress | Status::ImportInProgress);
    let failed = matches!(record.status, Status::CreateFailed | Status::ImportFailed);
    let failed = failed && record.physical_id.is_none();
    making || failed
}

pub(super) fn describe(resource: &mut Resource, declared: &ResourceDeclaration, scope: &Scope) {
    resource.depends_on = needs(scope, declared);
    resource.deletion_policy.clone_from(&declared.deletion_policy);
    resource.update_replace_policy.clone_from(&declared.update_replace_policy);
}

fn wanted(run: &Run, scope: &Scope, declared: &ResourceDeclaration) -> Result<Wanted, ServiceError> {
    let metadata = scope.metadata(declared, &Made(run))?;
    Ok(Wanted { properties: scope.properties(declared, &Made(run))?, metadata })
}

struct Step<'a> {
    run: &'a Run,
    /// It was under way when the process ended.
    interrupted: bool,
    /// The resource itself must be touched, not only what the template says about it.
    changed: bool,
    /// What a rollback puts back.
    kept: &'a Resource,
}

impl Step<'_> {
    async fn change(&self, old: &Resource, next: &mut Resource) -> Result<(), ServiceError> {
        next.undo = Some(undo(self.kept, next.undo.take(), false).0);
        if self.interrupted {
            self.run.put(next)?;
        } else {
            self.run.mark(next, Status::UpdateInProgress, None)?;
        }
        validate(next)?;
        if self.changed {
            next.attributes = update(self.run, old, next).await?;
        }
        Ok(())
    }

    async fn replace(&self, old: &Resource, next: &mut Resource) -> Result<(), ServiceError> {
        if !self.interrupted && keeps_its_name(old, next) {
            return Err(custom_named(old.physical_id.as_deref().unwrap_or_default()));
        }
        if self.interrupted {
            self.run.put(next)?;
        } else {
            let (undo, left) = undo(self.kept, next.undo.take(), true);
            next.undo = Some(undo);
            if let Some(left) = left {
                self.run.update_stack(|stack| stack.leftovers.push(left))?;
            }
            next.token = crate::id::uuid();
            next.physical_id = None;
            let reason =
                "Requested update requires the creation of a new physical resource; hence creating one.";
            self.run.mark(next, Status::UpdateInProgress, Some(reason.to_owned()))?;
        }
        validate(next)?;
        create(self.run, next, self.interrupted).await.map_err(|error| already_named(error, old))
    }
}

/// Whether a replacement is to have the very name that its predecessor still has.
fn keeps_its_name(old: &Resource, new: &Resource) -> bool {
    let (Some(name), Some(properties)) = (&old.physical_id, new.properties.as_object()) else { return false };
    let Some(schema) = schema::of(&new.resource_type) else { return false };
    properties.iter().any(|(property, value)| {
        let named = value.as_str() == Some(name) && old.properties.get(property) == Some(value);
        let other = Value::Null;
        named && schema.recreation(property, Some(value), Some(&other)) == Recreation::Always
    })
}

fn custom_named(name: &str) -> ServiceError {
    ServiceError::validation(format!(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} \
         and update the stack again."
    ))
}

/// A replacement that takes a name which its predecessor still has.
fn already_named(error: ServiceError, old: &Resource) -> ServiceError {
    let taken = ["AlreadyExist", "AlreadyOwned", "Duplicate", "NameInUse"];
    let taken = taken.iter().any(|part| error.code.contains(part));
    match &old.physical_id {
        Some(name) if taken => custom_named(name),
        _ => error,
    }
}
